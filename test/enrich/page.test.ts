import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PageFields } from "../../src/enrich/enrichment.ts";
import { type PageInput, pageFields } from "../../src/enrich/page.ts";

const EMPTY: PageInput = { url: "", referrer: "", path: "", hostname: "" };

/** The fields of a page that nothing is wrong with. */
function found(input: Partial<PageInput>): PageFields {
  const fields = pageFields({ ...EMPTY, ...input });
  if (typeof fields === "string") throw new Error(fields);
  return fields;
}

function problem(input: Partial<PageInput>): unknown {
  return pageFields({ ...EMPTY, ...input });
}

test("a page of which nothing is said has nothing, and is found directly", () => {
  expect(found({})).toEqual({
    ...{ path: "", hostname: "", referrer: "", source: "", channel: "Direct" },
    ...{ utmSource: "", utmMedium: "", utmCampaign: "", utmTerm: "", utmContent: "" },
    isReferrerSpam: false,
  });
});

describe("the URL of a page", () => {
  test.each([
    ["https://example.org/a?b#c", "/a", "example.org"],
    ["HTTPS://user:word@Example.ORG:8443/A%2fb", "/A%2fb", "example.org"],
    ["http://example.org", "/", "example.org"],
    ["http://example.org./", "/", "example.org"],
    ["https://bücher.example/ä b", "/%C3%A4%20b", "xn--bcher-kva.example"],
    ["http://[2001:DB8::1]/", "/", "[2001:db8::1]"],
    ["/a?b", "/a", ""],
    ["//example.org/a", "//example.org/a", ""],
  ])("%s has the path %s and the host %j", (url, path, hostname) => {
    expect(found({ url })).toMatchObject({ path, hostname });
  });

  test.each([
    "a",
    "?a=b",
    "ftp://example.org/",
    "javascript:alert(1)",
    "https://",
    "http://a b/",
    "about:blank",
  ])("cannot be %j", (url) => {
    expect(problem({ url })).toBe(
      "url must be an http or https URL, or its part from the path on, such as /a?b=c",
    );
  });

  test("gives way to a path and a hostname", () => {
    const input = { url: "https://example.org/a?utm_source=x", path: "/b", hostname: "example.net" };
    expect(found(input)).toMatchObject({ path: "/b", hostname: "example.net", utmSource: "x" });
  });

  test("cannot have a path that is too long", () => {
    expect(found({ url: `/${"a".repeat(2047)}` }).path).toHaveLength(2048);
    expect(problem({ url: `/${"a".repeat(2048)}` })).toBe(
      "url has a path of 2049 bytes; at most 2048 are allowed",
    );
  });

  test("may have a path that is too long when the event has one of its own", () => {
    expect(found({ url: `/${"a".repeat(2048)}`, path: "/b" }).path).toBe("/b");
  });

  test("cannot have a host that is too long", () => {
    for (const host of ["a.".repeat(128), "\u4e2d.".repeat(70), "\u4e2d".repeat(2700)]) {
      expect(problem({ url: `https://${host}org/` })).toBe("url has a host of more than 255 bytes");
    }
  });
});

describe("a hostname", () => {
  test.each([
    ["Example.ORG", "example.org"],
    ["example.org:8080", "example.org"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["localhost", "localhost"],
    ["[2001:DB8::1]", "[2001:db8::1]"],
  ])("of %s is stored as %s", (hostname, stored) => {
    expect(found({ hostname }).hostname).toBe(stored);
  });

  test.each(["https://example.org", "example.org/a", "a b", "a@b", "a?b", "a:b", "."])(
    "cannot be %j",
    (hostname) => {
      expect(problem({ hostname })).toBe("hostname must be the name of a host, such as www.example.org");
    },
  );

  test("cannot be too long", () => {
    expect(problem({ hostname: "ü.".repeat(60) })).toBe(
      "hostname is 479 bytes long as a name in DNS; at most 255 are allowed",
    );
  });
});

describe("the UTM parameters", () => {
  test("are decoded", () => {
    const url =
      "/?utm_source=a+b&utm_medium=%C3%A9&utm_campaign=c%26&utm_term=d&utm_content=%F0%9F%98%80&utm_x=e";
    expect(found({ url })).toMatchObject({
      ...{ utmSource: "a b", utmMedium: "é", utmCampaign: "c&", utmTerm: "d", utmContent: "😀" },
    });
  });

  test.each([
    ["/?ref=c&source=b&utm_source=a", "a"],
    ["/?ref=c&source=b", "b"],
    ["/?ref=c", "c"],
    ["/?utm_source=&source=&ref=c", "c"],
  ])("of %s have the source %s", (url, utmSource) => {
    expect(found({ url }).utmSource).toBe(utmSource);
  });

  test("lose their control characters", () => {
    expect(found({ url: "/?utm_term=a%00b%0Ac%C2%85d" }).utmTerm).toBe("abcd");
  });

  test("are cut between characters", () => {
    expect(found({ url: `/?utm_term=a${"%C3%A9".repeat(200)}` }).utmTerm).toBe(`a${"é".repeat(127)}`);
  });

  test("may be encoded wrongly", () => {
    expect(found({ url: "/?utm_term=%E9%zz" }).utmTerm).toBe("\ufffd%zz");
  });
});

describe("a referrer", () => {
  test.each([
    ["https://www.example.net/a/b?c#d", "example.net/a/b"],
    ["https://example.net/", "example.net"],
    ["https://example.net/a/", "example.net/a/"],
    ["http://Example.NET:8080", "example.net"],
    ["https://user:word@example.net/é", "example.net/%C3%A9"],
    ["android-app://com.Example.app/", "com.example.app"],
    ["android-app://com.example.app/https/example.net", "com.example.app/https/example.net"],
  ])("of %s is stored as %s", (referrer, stored) => {
    expect(found({ referrer }).referrer).toBe(stored);
  });

  test.each([
    "-",
    "about:client",
    "example.net",
    "/a",
    "file:///etc/passwd",
    "https://",
    "android-app:x",
    "::",
  ])("of %j says nothing", (referrer) => {
    expect(found({ referrer })).toMatchObject({ referrer: "", source: "", channel: "Direct" });
  });

  test.each([
    ["https://example.org/", "https://example.org/a"],
    ["https://example.org/", "http://www.example.org/a"],
    ["https://www.example.org/", "https://EXAMPLE.org:8080/a"],
  ])("is not stored when it is of the same site (%s, %s)", (url, referrer) => {
    expect(found({ url, referrer })).toMatchObject({ referrer: "", source: "", channel: "Direct" });
  });

  test("says nothing when its host is longer than any, and that is found out at once", () => {
    const host = Array.from({ length: 2700 }, (_, at) => String.fromCharCode(0x4e00 + 7 * at)).join("");
    const start = performance.now();
    for (let at = 0; at < 100; at += 1)
      expect(found({ referrer: `https://u:p@${host}${at}:80/` }).source).toBe("");
    // To put that name into the form of DNS takes 20 ms or more.
    expect(performance.now() - start).toBeLessThan(500);
  });

  test("may have a long user name before its host", () => {
    expect(found({ referrer: `https://${"u".repeat(300)}@example.net/a` }).referrer).toBe("example.net/a");
  });

  test("is of another site on another host of the same domain", () => {
    expect(found({ hostname: "example.org", referrer: "https://blog.example.org/" }).referrer).toBe(
      "blog.example.org",
    );
  });

  test("is cut when it is long, and not within an escape", () => {
    const referrer = `https://example.net/${"%20".repeat(400)}`;
    const { referrer: stored } = found({ referrer });
    expect(stored).toBe(`example.net/${"%20".repeat(337)}`);
  });

  test("that is known for spam is told apart", () => {
    expect(found({ referrer: "https://www.semalt.com/x" }).isReferrerSpam).toBe(true);
    expect(found({ referrer: "https://example.net/semalt.com" }).isReferrerSpam).toBe(false);
  });
});

describe("where a visitor comes from", () => {
  test.each([
    ["/", "https://www.google.de/", "Google", "Organic Search"],
    ["/", "https://example.net/a", "example.net", "Referral"],
    ["/?utm_source=google&utm_medium=cpc", "https://example.net/", "Google", "Paid Search"],
    ["/?utm_source=Newsletter&utm_medium=email", "https://mail.google.com/", "Newsletter", "Email"],
    ["/?ref=producthunt", "", "Product Hunt", "Organic Social"],
    ["/", "android-app://com.google.android.gm/", "Gmail", "Email"],
    ["/", "https://chatgpt.com/", "ChatGPT", "AI Assistants"],
    ["/?gclid=x", "https://www.google.com/", "Google", "Paid Search"],
    ["/?gclid=x", "https://www.youtube.com/", "YouTube", "Paid Video"],
    ["/?gclid=x", "", "Google", "Paid Search"],
    ["/?gclid=x&fbclid=y", "", "Google", "Paid Search"],
    ["/?dclid=x", "", "Google", "Display"],
    ["/?msclkid=x", "https://www.bing.com/", "Bing", "Paid Search"],
    ["/?msclkid=x&utm_medium=organic", "https://www.bing.com/", "Bing", "Organic Search"],
    ["/?fbclid=x", "https://l.facebook.com/", "Facebook", "Organic Social"],
    ["/?fbclid=x", "https://l.instagram.com/", "Instagram", "Organic Social"],
    ["/?fbclid=x", "", "Facebook", "Organic Social"],
    ["/?fbclid=x", "https://example.net/", "example.net", "Referral"],
    ["/?fbclid=x&utm_medium=paid", "", "Facebook", "Paid Social"],
    ["/?gclid=", "", "", "Direct"],
  ])("to %s by %j is told to be %j, %s", (url, referrer, source, channel) => {
    expect(found({ url, referrer })).toMatchObject({ source, channel });
  });
});

describe("whatever is said of a page", () => {
  const host = fc.oneof(fc.domain(), fc.constantFrom("google.com", "www.example.org", "t.co"));
  const query = fc
    .dictionary(
      fc.constantFrom("utm_source", "utm_medium", "utm_campaign", "utm_term", "gclid", "ref"),
      fc.string({ unit: "binary", maxLength: 400 }),
    )
    .map((parameters) => new URLSearchParams(parameters).toString());
  const url = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.webUrl({ withQueryParameters: true, withFragments: true, size: "large" }),
    fc
      .tuple(host, fc.string({ unit: "binary" }), query)
      .map(([at, path, text]) => `https://${at}/${path}?${text}`),
    fc.tuple(fc.string({ unit: "binary" }), query).map(([path, text]) => `/${path}?${text}`),
  );
  // The path comes in checked.
  const path = fc.webPath();
  const hostname = fc.oneof(fc.constant(""), host, fc.string({ unit: "binary" }));
  const input = fc.record({ url, referrer: url, path, hostname });

  test("the fields have no control characters and keep to their limits, or a problem names its field", () => {
    fc.assert(
      fc.property(input, (page) => {
        const fields = pageFields(page);
        if (typeof fields === "string") {
          expect(fields).toMatch(/^(?:url|hostname) /);
          return;
        }
        const { isReferrerSpam, ...texts } = fields;
        expect(isReferrerSpam).toBeTypeOf("boolean");
        for (const text of Object.values(texts)) {
          expect(text).not.toMatch(/\p{Cc}/u);
          expect(text.isWellFormed()).toBe(true);
        }
        const { utmSource, utmMedium, utmCampaign, utmTerm, utmContent } = fields;
        for (const text of [utmSource, utmMedium, utmCampaign, utmTerm, utmContent, fields.source])
          expect(Buffer.byteLength(text)).toBeLessThanOrEqual(256);
        expect(Buffer.byteLength(fields.referrer)).toBeLessThanOrEqual(1024);
        expect(Buffer.byteLength(fields.path)).toBeLessThanOrEqual(2048);
        expect(Buffer.byteLength(fields.hostname)).toBeLessThanOrEqual(255);
        expect(fields.channel).not.toBe("");
      }),
      { numRuns: 2_000 },
    );
  });

  test("what was found is found again when it is said", () => {
    fc.assert(
      fc.property(input, (page) => {
        const fields = pageFields(page);
        if (typeof fields === "string" || fields.hostname === "") return;
        const { path, hostname } = fields;
        const again = found({ url: `https://${hostname}${path}`, path });
        expect(again).toMatchObject({ path: path || "/", hostname });
      }),
      { numRuns: 1_000 },
    );
  });
});

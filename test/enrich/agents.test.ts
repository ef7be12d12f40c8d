import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Agents, speaksForVisitor } from "../../src/enrich/agents.ts";

const WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)";
const CHROME = `${WEBKIT} Chrome/126.0.0.0`;
const WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";

test.each([
  [`${WINDOWS} ${CHROME} Safari/537.36`, "Chrome", "Windows", "desktop"],
  [`${WINDOWS} ${CHROME} Safari/537.36 Edg/126.0.0.0`, "Edge", "Windows", "desktop"],
  [`${WINDOWS} ${CHROME} Safari/537.36 OPR/111.0.0.0`, "Opera", "Windows", "desktop"],
  [`${WINDOWS} ${CHROME} Safari/537.36 Vivaldi/6.8`, "Vivaldi", "Windows", "desktop"],
  [
    "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko",
    "Internet Explorer",
    "Windows",
    "desktop",
  ],
  [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
    ...["Safari", "macOS", "desktop"],
  ],
  ["Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox", "Linux", "desktop"],
  [`Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${CHROME} Safari/537.36`, "Chrome", "ChromeOS", "desktop"],
  [`Mozilla/5.0 (Linux; Android 10; K) ${CHROME} Mobile Safari/537.36`, "Chrome", "Android", "mobile"],
  [`Mozilla/5.0 (Linux; Android 10; K) ${CHROME} Safari/537.36`, "Chrome", "Android", "tablet"],
  [
    `Mozilla/5.0 (Linux; Android 14; SM-S921B) ${WEBKIT} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36`,
    ...["Samsung Internet", "Android", "mobile"],
  ],
  ["Mozilla/5.0 (Android 13; Mobile; rv:126.0) Gecko/126.0 Firefox/126.0", "Firefox", "Android", "mobile"],
  [`${IPHONE} Version/17.5 Mobile/15E148 Safari/604.1`, "Safari", "iOS", "mobile"],
  [`${IPHONE} CriOS/126.0.0.0 Mobile/15E148 Safari/604.1`, "Chrome", "iOS", "mobile"],
  [`${IPHONE} FxiOS/126.0 Mobile/15E148 Safari/604.1`, "Firefox", "iOS", "mobile"],
  [
    "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/604.1",
    ...["Safari", "iOS", "tablet"],
  ],
  [
    `Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) ${WEBKIT} SamsungBrowser/4.0 Chrome/76 TV Safari/537.36`,
    ...["Samsung Internet", "Tizen", "tv"],
  ],
])("%s is read", (userAgent, browser, os, device) => {
  expect(new Agents().fields(userAgent)).toEqual({ browser, os, device, isBot: false });
});

test.each([
  "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
  `Mozilla/5.0 ${WEBKIT}; compatible; GPTBot/1.1; +https://openai.com/gptbot`,
  `${WINDOWS} ${WEBKIT} HeadlessChrome/126.0 Safari/537.36`,
  "curl/8.1",
  "python-requests/2.32",
])("%s is a bot", (userAgent) => {
  expect(new Agents().fields(userAgent).isBot).toBe(true);
});

test("a bot is of no class of devices", () => {
  const userAgent = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
  expect(new Agents().fields(userAgent)).toMatchObject({ browser: "Googlebot", device: "" });
});

test("the text of an unknown user agent is not repeated", () => {
  expect(new Agents().fields("me@example.org/1 (x) ")).toMatchObject({ browser: "", os: "", device: "" });
});

test("nothing is known of an empty user agent, and it is no bot", () => {
  expect(new Agents().fields("")).toEqual({ browser: "", os: "", device: "", isBot: false });
});

test("only the beginning of a user agent is looked at", () => {
  const agents = new Agents();
  const head = "Mozilla/5.0 ".padEnd(1024, "x");
  expect(agents.fields(`${head} Googlebot`)).toBe(agents.fields(head));
});

test("a user agent is read once", () => {
  const agents = new Agents();
  const userAgent = `${WINDOWS} ${CHROME} Safari/537.36`;
  expect(agents.fields(userAgent)).toBe(agents.fields(userAgent));
});

describe("whatever the user agent", () => {
  const part = fc.constantFrom(
    "Mozilla/5.0",
    "(",
    ")",
    "/",
    " ",
    "Android",
    "Windows ",
    "Version/",
    "bot",
    "iPad",
    "x",
    "é",
  );
  const userAgent = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "binary-ascii", maxLength: 3_000, size: "max" }),
    fc.array(part, { maxLength: 400, size: "max" }).map((parts) => parts.join("")),
  );

  test("it is read, and the fields are short texts without control characters", () => {
    const agents = new Agents();
    fc.assert(
      fc.property(userAgent, (text) => {
        const { browser, os, device, isBot } = agents.fields(text);
        for (const field of [browser, os]) expect(field).toMatch(/^[\w .-]{0,30}$/);
        expect(["", "desktop", "mobile", "tablet", "tv"]).toContain(device);
        expect(isBot).toBeTypeOf("boolean");
        expect(speaksForVisitor(text)).toBeTypeOf("boolean");
      }),
      { numRuns: 500 },
    );
  });
});

describe("the user agent of a connection", () => {
  test.each([
    `${WINDOWS} ${CHROME} Safari/537.36`,
    "Opera/9.80 (Windows NT 6.1; U; en) Presto/2.8.131 Version/11.11",
    "Googlebot-Image/1.0",
    "ia_archiver (+http://www.alexa.com/site/help/webmasters)",
    "Baiduspider",
    "some-crawler/1.0",
  ])("tells of a visitor: %s", (userAgent) => {
    expect(speaksForVisitor(userAgent)).toBe(true);
  });

  test.each([
    "",
    "curl/8.1",
    "python-requests/2.32",
    "Go-http-client/2.0",
    "grpc-go/1.65",
    "node",
    "connect-es/2.2.0",
    "WordPress/6.8; https://shop.example",
  ])("tells of a program: %j", (userAgent) => {
    expect(speaksForVisitor(userAgent)).toBe(false);
  });
});

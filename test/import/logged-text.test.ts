import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { referrerOf, unescaped, userAgentOf } from "../../src/import/logged-text.ts";

/** As nginx logs a byte. */
function nginx(byte: number): string {
  const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
  return isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

describe("a logged text", () => {
  test("is read back as nginx escapes it, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(unescaped(Array.from(Buffer.from(text), nginx).join(""))).toBe(text);
      }),
    );
  });

  test.each([
    ['\\"', '"'],
    ["\\\\x41", "\\x41"],
    ["\\x22", '"'],
    ["a\\tb", "a\tb"],
    ["é\\xC3\\xa9", "éé"],
  ])("of %j is %j", (logged, text) => {
    expect(unescaped(logged)).toBe(text);
  });

  test.each(["\\xff", "\\q", "\\x4", "\\xc3"])("of %j cannot be read back", (logged) => {
    expect(unescaped(logged)).toBeUndefined();
  });
});

describe("a referrer", () => {
  test("is what the client sent", () => {
    expect(referrerOf("https://x.example/?q=\\x22a\\x22")).toBe('https://x.example/?q="a"');
  });

  test("stays as it was logged when it cannot be read back", () => {
    expect(referrerOf("https://x.example/?q=\\xe4")).toBe("https://x.example/?q=\\xe4");
  });

  test.each([
    ["none", "-"],
    ["an empty one", ""],
    ["one with control characters", "https://x.example/\\x01"],
    ["one that is too long", `https://x.example/${"a".repeat(8_175)}`],
    ["one that is too long in bytes", `https://x.example/${"é".repeat(4_088)}`],
  ])("is left out when it is %s", (_, logged) => {
    expect(referrerOf(logged)).toBe("");
  });
});

describe("a user agent", () => {
  test("is what the client sent, without control characters", () => {
    expect(userAgentOf('a \\"b\\" \\x01\\tc')).toBe('a "b" c');
  });

  test("is cut off at the end of a character", () => {
    expect(userAgentOf("a".repeat(1_024))).toHaveLength(1_024);
    expect(userAgentOf(`a${"é".repeat(600)}`)).toBe(`a${"é".repeat(511)}`);
  });

  test("is a dash when there was none", () => {
    expect(userAgentOf("-")).toBe("-");
  });
});

import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HashedLines, MAX_LINE_BYTES } from "../../src/import/hashed-lines.ts";

interface SeenLine {
  readonly text: string | undefined;
  readonly ended: boolean;
  readonly id: string;
  readonly hash: string;
}

function linesOf(site: string, chunks: readonly Buffer[]): SeenLine[] {
  const seen: SeenLine[] = [];
  const lines = new HashedLines(site, (line, ended) => {
    seen.push({ text: line?.toString("latin1"), ended, id: lines.eventId(), hash: lines.hash() });
  });
  for (const chunk of chunks) lines.push(chunk);
  lines.end();
  return seen;
}

/** What HashedLines must answer, the simplest way. */
function model(site: string, input: Buffer): SeenLine[] {
  const parts = input.toString("latin1").split("\n");
  if (parts.at(-1) === "") parts.pop();
  let hash = createHash("sha256").update(`footfall import v1\0${site}`).digest();
  return parts.map((part, index) => {
    const ended = index < parts.length - 1 || input.at(-1) === 0x0a;
    const text = part.endsWith("\r") ? part.slice(0, -1) : part;
    hash = createHash("sha256").update(hash).update(text, "latin1").digest();
    return {
      text: text.length > MAX_LINE_BYTES ? undefined : text,
      ended,
      id: `0000000${(index + 1).toString(16)}`.slice(-8) + hash.subarray(0, 12).toString("base64url"),
      hash: hash.toString("base64url"),
    };
  });
}

function cut(input: Buffer, places: readonly number[]): Buffer[] {
  const sorted = places.map((place) => place % (input.length + 1)).sort((a, b) => a - b);
  return [0, ...sorted].map((from, index) => input.subarray(from, sorted[index]));
}

const piece = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.constantFrom("\n", "\r\n", "\r", "\n\n", "\r\r\n"),
  fc.constantFrom(-1, 0, 1, 70_000).map((more) => "x".repeat(MAX_LINE_BYTES + more)),
);
const input = fc.array(piece, { maxLength: 12 }).map((pieces) => Buffer.from(pieces.join(""), "latin1"));

describe("the lines of a file and their hashes", () => {
  test("are the model's, however the bytes are cut into chunks", () => {
    fc.assert(
      fc.property(input, fc.array(fc.nat(), { maxLength: 6 }), (bytes, places) => {
        expect(linesOf("site", cut(bytes, places))).toEqual(model("site", bytes));
      }),
    );
  });

  test("do not depend on the kind of line ending", () => {
    const ids = (text: string) => linesOf("site", [Buffer.from(text)]).map(({ id }) => id);
    expect(ids("a\r\nb\r\n")).toEqual(ids("a\nb\n"));
    expect(ids("a\r\nb\r")).toEqual(ids("a\nb\n"));
  });

  test("depend on the site and on every line before", () => {
    const ids = (site: string, text: string) => linesOf(site, [Buffer.from(text)]).map(({ id }) => id);
    expect(new Set([...ids("a", "x\nx\n"), ...ids("b", "x\nx\n"), ...ids("a", "y\nx\n")])).toHaveLength(6);
  });

  test("stay the same when the file grows", () => {
    const whole = linesOf("site", [Buffer.from("a\nb\nc\n")]);
    expect(linesOf("site", [Buffer.from("a\nb\n")])).toEqual(whole.slice(0, 2));
  });

  test("are hashed also where a line is too long to be kept", () => {
    const long = (last: string) => Buffer.from(`${"x".repeat(10 * MAX_LINE_BYTES)}${last}\nb\n`);
    const [first, second] = linesOf("site", [long("1")]);
    expect(first?.text).toBeUndefined();
    expect(second?.text).toBe("b");
    expect(linesOf("site", [long("2")])[1]?.id).not.toBe(second?.id);
  });
});

import { expect, test } from "vitest";
import type { TextColumn } from "../../src/columns/column.ts";
import { TooMuch } from "../../src/query/limits.ts";
import { SessionFacts } from "../../src/query/session-facts.ts";
import { NO_EVENTS, type SessionChunk } from "../../src/query/site-events.ts";

function texts(...rows: readonly string[]): TextColumn {
  const dictionary = ["", ...new Set(rows.filter((text) => text !== ""))];
  return { dictionary, codes: Uint32Array.from(rows, (text) => dictionary.indexOf(text)) };
}

/** The exits of the sessions 1, 2, 3, by these columns. */
function exits(columns: Pick<SessionChunk, "entries" | "moved" | "exits">): (string | undefined)[] {
  const chunk: SessionChunk = {
    ...{ rows: 3, first: 1, last: 3, ...columns },
    ...{ numbers: () => Uint32Array.of(1, 2, 3), starts: () => new Float64Array(3) },
    ...{
      ends: () => new Float64Array(3),
      events: () => new Uint32Array(3),
      pageviews: () => new Uint32Array(3),
    },
  };
  const facts = new SessionFacts({ ...NO_EVENTS, sessionChunks: () => [chunk] }, () => {});
  const paths = ["", "/a", "/b", "/c"].map((path) => [facts.paths.codeOf(path), path] as const);
  return [1, 2, 3].map((session) => new Map(paths).get(facts.exit(session)));
}

const entries = () => texts("/a", "/b", "/a");

test("a session's exit is its entry, or where it moved to", () => {
  const columns = { entries, moved: () => Uint32Array.of(0, 1, 1), exits: () => texts("", "/c", "") };
  expect(exits(columns)).toEqual(["/a", "/c", ""]);
  expect(exits({ entries, moved: () => undefined, exits: () => undefined })).toEqual(["/a", "/b", "/a"]);
  expect(exits({ entries, moved: () => Uint32Array.of(0, 0, 1), exits: () => undefined })).toEqual([
    "/a",
    "/b",
    "",
  ]);
});

test("a read model of version 7 has the exits of all sessions", () => {
  const columns = { entries, moved: () => undefined, exits: () => texts("/a", "/c", "") };
  expect(exits(columns)).toEqual(["/a", "/c", ""]);
});

test("as many sessions as would take half a gigabyte are refused, and the time is looked at for each chunk", () => {
  const chunk: SessionChunk = {
    ...{ rows: 1, first: 0, last: Number.MAX_SAFE_INTEGER, numbers: () => Uint32Array.of(0) },
    ...{ starts: () => new Float64Array(1), ends: () => new Float64Array(1) },
    ...{ events: () => Uint32Array.of(1), pageviews: () => Uint32Array.of(1) },
    ...{ entries, moved: () => undefined, exits: () => undefined },
  };
  let looks = 0;
  const facts = new SessionFacts({ ...NO_EVENTS, sessionChunks: () => [chunk, chunk] }, () => {
    looks += 1;
  });
  let read = 0;
  const readAll = () => {
    for (; read < 1000; read += 1) facts.durationMs(read * 65_536);
  };
  expect(readAll).toThrow(TooMuch);
  expect(read).toBe(Math.floor(2 ** 29 / (9 * 65_536)));
  expect(looks).toBe(2 * read);
});

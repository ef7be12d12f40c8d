import { expect, test } from "vitest";
import type { TextColumn } from "../../src/columns/column.ts";
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
  const facts = new SessionFacts({ ...NO_EVENTS, sessionChunks: () => [chunk] });
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

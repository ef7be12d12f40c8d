import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BLOCK_LINES, type Block, BlockBuilder } from "../../src/import/block.ts";
import type { Selection } from "../../src/import/selection.ts";
import { BOT, BROWSER, fileOf, view } from "./lines.ts";

const PAGES: Selection = { assets: false, bots: false };
const EVERYTHING: Selection = { assets: true, bots: true };
const SELECTIONS = [PAGES, EVERYTHING, { assets: true, bots: false }, { assets: false, bots: true }];

/** Nothing is told of its user agent. */
const QUIET = "192.0.2.99";

/** What is finished, as the import state remembers it. */
class Memory {
  readonly #finished = new Map<string, Selection[]>();

  finished(end: string): readonly Selection[] {
    return this.#finished.get(end) ?? [];
  }

  record(blocks: readonly Block[], selection: Selection): void {
    for (const end of blocks.flatMap(({ ends }) => ends)) {
      this.#finished.set(end, [...this.finished(end), selection]);
    }
  }
}

function blocksOf(text: string, selection: Selection, memory = new Memory()): Block[] {
  const builder = new BlockBuilder({
    site: "site",
    selection,
    hostname: "www.example.org",
    visitor: ({ address, userAgent }) => ({
      isBot: userAgent === BOT,
      userId: `user of ${address}`,
      userAgent: address === QUIET ? "" : userAgent,
      clientAddress: address,
    }),
    finished: (end) => memory.finished(end),
  });
  return [...builder.push(Buffer.from(text)), ...builder.end()];
}

/** One run: what is sent; and it is remembered. */
function run(text: string, selection: Selection, memory: Memory): string[] {
  const blocks = blocksOf(text, selection, memory);
  memory.record(blocks, selection);
  return blocks.flatMap(({ events }) => events.map(({ event }) => event.path));
}

const MIXED = [
  view("/1"),
  view("/2.css"),
  view("/3", { userAgent: BOT }),
  view("/4.js", { userAgent: BOT }),
  view("/5"),
];

describe("a block", () => {
  test("ends after a fixed number of lines, and the last one with the file", () => {
    const text = fileOf(Array.from({ length: 2 * BLOCK_LINES + 1 }, () => view("/")));
    expect(blocksOf(text, PAGES).map(({ lines }) => lines)).toEqual([BLOCK_LINES, BLOCK_LINES, 1]);
    expect(blocksOf(fileOf(Array.from({ length: BLOCK_LINES }, () => view("/"))), PAGES)).toHaveLength(1);
    expect(blocksOf("", PAGES)).toEqual([]);
  });

  test("has the selected hits as events, with the numbers of their lines", () => {
    const [block] = blocksOf(fileOf(["nonsense", ...MIXED]), PAGES);
    expect(block?.events.map(({ line }) => line)).toEqual([2, 6]);
    expect(block?.events[0]?.event).toMatchObject({
      siteId: "site",
      eventType: "page_view",
      path: "/1",
      userId: "user of 192.0.2.1",
      userAgent: BROWSER,
      clientAddress: "192.0.2.1",
      hostname: "www.example.org",
      timestamp: "2015-05-17T10:05:03Z",
      eventId: expect.stringMatching(/^0{7}2[\w-]{16}$/),
    });
    expect(block).toMatchObject({ lines: 6, assets: 2, bots: 1, malformed: [{ line: 1 }] });
  });

  test("has what tells how the visitor came", () => {
    const line = view("/1?utm_source=b", { referrer: "https://x.example/" });
    const [block] = blocksOf(fileOf([line]), PAGES);
    const event = { path: "/1", url: "/1?utm_source=b", referrer: "https://x.example/" };
    expect(block?.events).toMatchObject([{ event }]);
  });

  test("says which events the server will flag: those of bots whose user agent it is told", () => {
    const lines = [
      view("/1"),
      view("/2", { userAgent: BOT }),
      view("/3", { userAgent: BOT, address: QUIET }),
    ];
    const [block] = blocksOf(fileOf(lines), EVERYTHING);
    expect(block?.events.map(({ flagged }) => flagged)).toEqual([false, true, false]);
  });

  test("has the same ids under every selection", () => {
    const idsOf = (selection: Selection) =>
      blocksOf(fileOf(MIXED), selection).flatMap(({ events }) => events.map(({ event }) => event.eventId));
    expect(idsOf(EVERYTHING)).toEqual(expect.arrayContaining(idsOf(PAGES)));
  });

  test("does not have an event whose path is too long for the server", () => {
    const [block] = blocksOf(fileOf([view(`/${"x".repeat(2_048)}`), view(`/${"x".repeat(2_047)}`)]), PAGES);
    expect(block?.rejected).toEqual([{ line: 1, reason: "path is longer than 2048 bytes" }]);
    expect(block?.events).toHaveLength(1);
  });
});

describe("what an earlier run finished", () => {
  test("is not sent again", () => {
    const memory = new Memory();
    expect(run(fileOf(MIXED), PAGES, memory)).toEqual(["/1", "/5"]);
    expect(blocksOf(fileOf(MIXED), PAGES, memory)).toMatchObject([{ events: [], alreadyImported: 2 }]);
  });

  test("stays finished when the file has grown", () => {
    const memory = new Memory();
    run(fileOf(MIXED), PAGES, memory);
    expect(run(fileOf([...MIXED, view("/6"), view("/7")]), PAGES, memory)).toEqual(["/6", "/7"]);
    expect(run(fileOf([...MIXED, view("/6"), view("/7")]), PAGES, memory)).toEqual([]);
  });

  test("does not keep out what other flags add", () => {
    const memory = new Memory();
    run(fileOf(MIXED), PAGES, memory);
    expect(run(fileOf([...MIXED, view("/6")]), { assets: true, bots: false }, memory)).toEqual([
      "/2.css",
      "/6",
    ]);
    expect(run(fileOf([...MIXED, view("/6")]), EVERYTHING, memory)).toEqual(["/3", "/4.js"]);
    expect(run(fileOf([...MIXED, view("/6")]), PAGES, memory)).toEqual([]);
  });

  test("says nothing about a file that begins otherwise", () => {
    const memory = new Memory();
    run(fileOf(MIXED), PAGES, memory);
    expect(run(fileOf(["", ...MIXED]), PAGES, memory)).toEqual(["/1", "/5"]);
  });

  test("is known when the last line had no line ending, and has one now", () => {
    const memory = new Memory();
    run(fileOf(MIXED).trimEnd(), PAGES, memory);
    expect(run(fileOf([...MIXED, view("/6")]), PAGES, memory)).toEqual(["/6"]);
  });

  test("is known when the last line was cut off, and is whole now", () => {
    const memory = new Memory();
    expect(run(fileOf(MIXED).slice(0, -5), PAGES, memory)).toEqual(["/1"]);
    expect(run(fileOf(MIXED), PAGES, memory)).toEqual(["/5"]);
  });

  test("makes any number of runs over a growing file send each selected hit once", () => {
    const lines = fc.array(
      fc
        .record({ asset: fc.boolean(), bot: fc.boolean(), junk: fc.boolean() })
        .map(({ asset, bot, junk }) => {
          if (junk) return () => "junk";
          return (number: number) => view(`/${number}${asset ? ".css" : ""}`, { userAgent: bot ? BOT : "x" });
        }),
      { maxLength: 30 },
    );
    const runs = fc.array(fc.record({ upTo: fc.nat(), selection: fc.constantFrom(...SELECTIONS) }), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(lines, runs, (makers, plan) => {
        const text = fileOf(makers.map((make, index) => make(index)));
        const cuts = plan.map(({ upTo }) => upTo % (text.length + 1)).sort((a, b) => a - b);
        const memory = new Memory();
        const sent = plan.flatMap(({ selection }, index) =>
          run(text.slice(0, cuts[index]), selection, memory),
        );
        expect(new Set(sent).size).toBe(sent.length);
        const wanted = plan.flatMap(({ selection }, index) =>
          run(text.slice(0, cuts[index]), selection, new Memory()),
        );
        expect(new Set(sent)).toEqual(new Set(wanted));
      }),
    );
  });

  test("leaves every line in exactly one figure", () => {
    const text = fileOf([
      ...MIXED,
      "junk",
      view("/x", { status: 404 }),
      view(`/${"x".repeat(3_000)}`),
      view("/y"),
    ]);
    for (const selection of SELECTIONS) {
      const memory = new Memory();
      run(fileOf(MIXED), PAGES, memory);
      for (const block of blocksOf(text, selection, memory)) {
        const { notPages, assets, bots, alreadyImported, malformed, rejected, events } = block;
        const lists = malformed.length + rejected.length + events.length;
        expect(notPages + assets + bots + alreadyImported + lists).toBe(block.lines);
      }
    }
  });
});

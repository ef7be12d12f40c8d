import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { dayOf, MS_PER_DAY } from "../../src/ingest/timestamp.ts";
import { VisitorKeys } from "../../src/ingest/visitor-keys.ts";
import { temporaryDirectory } from "../temporary.ts";

const NOON_MS = Date.parse("2025-11-12T12:00:00Z");
const TODAY = dayOf(NOON_MS);

let nowMs = NOON_MS;
let logged: string[] = [];
beforeEach(() => {
  nowMs = NOON_MS;
  logged = [];
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function open(directory: string): VisitorKeys {
  const write = (line: string) => logged.push(line);
  const keys = new VisitorKeys(directory, pino({ level: "info" }, { write }), () => nowMs);
  keys.open();
  onTestFinished(() => keys.close());
  return keys;
}

const fileIn = (directory: string) => join(directory, "visitor.keys");
const daysIn = (directory: string) =>
  readFileSync(fileIn(directory), "utf8").match(/^\d{4}-\d\d-\d\d/gm) ?? [];

test("a day's key is random, and the same from then on", () => {
  const keys = open(temporaryDirectory());
  expect(keys.keyOf(TODAY)).toBeUndefined();
  const key = keys.openKey(TODAY);
  expect(key).toHaveLength(32);
  expect(keys.openKey(TODAY)).toEqual(key);
  expect(keys.keyOf(TODAY)).toEqual(key);
  expect(open(temporaryDirectory()).openKey(TODAY)).not.toEqual(key);
});

test("a key is on disk when it is given out, for its owner alone", () => {
  const directory = temporaryDirectory();
  const key = open(directory).openKey(TODAY);
  expect(readFileSync(fileIn(directory), "utf8")).toBe(`2025-11-12 ${key?.toString("hex")}\n`);
  expect(statSync(fileIn(directory)).mode & 0o777).toBe(0o600);
  expect(readdirSync(directory)).toEqual(["visitor.keys"]);
});

test("after a restart the keys are the same", () => {
  const directory = temporaryDirectory();
  const before = open(directory);
  const [yesterday, today] = [before.openKey(TODAY - 1), before.openKey(TODAY)];
  const after = open(directory);
  expect([after.openKey(TODAY - 1), after.openKey(TODAY)]).toEqual([yesterday, today]);
});

test("before it is opened, there is no key, and none is made", () => {
  const directory = temporaryDirectory();
  const keys = new VisitorKeys(directory, pino({ level: "silent" }), () => nowMs);
  expect(keys.openKey(TODAY)).toBeUndefined();
  expect(readdirSync(directory)).toEqual([]);
});

test("the next day's key stands beside the one of yesterday, and nothing older does", () => {
  const directory = temporaryDirectory();
  const keys = open(directory);
  for (const day of [TODAY, TODAY + 1, TODAY + 2]) keys.openKey(day);
  expect(daysIn(directory)).toEqual(["2025-11-13", "2025-11-14"]);
  expect(keys.keyOf(TODAY)).toBeUndefined();
});

test("a key is deleted 48 hours after its day began, also when nothing happens", () => {
  const directory = temporaryDirectory();
  const keys = open(directory);
  keys.openKey(TODAY);
  const passTo = (ms: number) => {
    vi.advanceTimersByTime(ms - nowMs);
    nowMs = ms;
    vi.advanceTimersByTime(60_000);
  };
  passTo((TODAY + 2) * MS_PER_DAY - 60_001);
  expect(daysIn(directory)).toEqual(["2025-11-12"]);
  passTo((TODAY + 2) * MS_PER_DAY);
  expect(daysIn(directory)).toEqual([]);
  expect(keys.keyOf(TODAY)).toBeUndefined();
});

test("a key that is too old is deleted at the start", () => {
  const directory = temporaryDirectory();
  open(directory).openKey(TODAY);
  nowMs += 2 * MS_PER_DAY;
  open(directory);
  expect(daysIn(directory)).toEqual([]);
});

test("when the clock goes back, the keys stay what they were", () => {
  const directory = temporaryDirectory();
  const keys = open(directory);
  const tomorrow = keys.openKey(TODAY + 1);
  nowMs -= MS_PER_DAY;
  const yesterday = keys.openKey(TODAY - 1);
  expect(open(directory).openKey(TODAY + 1)).toEqual(tomorrow);
  expect(open(directory).openKey(TODAY - 1)).toEqual(yesterday);
});

test.each(["x", "2025-11-12 abc\n", `2025-11-12 ${"0".repeat(64)}\n2025-11`])(
  "a damaged file (%j) is begun anew, and that is logged",
  (text) => {
    const directory = temporaryDirectory();
    writeFileSync(fileIn(directory), text);
    expect(open(directory).openKey(TODAY)).toHaveLength(32);
    expect(daysIn(directory)).toEqual(["2025-11-12"]);
    expect(logged.join()).toContain("the visitor keys are damaged: they are made anew");
  },
);

test("while keys cannot be stored, there are none, and the disk is not tried for each event", () => {
  const directory = temporaryDirectory();
  const keys = open(directory);
  mkdirSync(join(directory, "visitor.keys.new", "in the way"), { recursive: true });
  const isStored = () => {
    const key = keys.openKey(TODAY);
    return key !== undefined && existsSync(fileIn(directory));
  };
  expect([isStored(), isStored()]).toEqual([false, false]);
  expect(logged).toHaveLength(1);
  expect(logged[0]).toContain("the visitor keys cannot be stored");
});

test("what is left of a crash is no hindrance", () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "visitor.keys.new"), "half of", { mode: 0o644 });
  open(directory).openKey(TODAY);
  expect(statSync(fileIn(directory)).mode & 0o777).toBe(0o600);
  expect(daysIn(directory)).toEqual(["2025-11-12"]);
});

import { stringify, validate, version } from "uuid";
import { expect, test } from "vitest";
import { EventIds } from "../../src/ingest/event-id.ts";

const MS = Date.parse("2025-11-12T19:30:01.123Z");

test("ids are UUIDs of version 7 with the time in them, distinct and ascending", () => {
  const ids = new EventIds();
  const made = Array.from({ length: 5000 }, (_, n) => stringify(ids.next(MS + Math.floor(n / 1000))));
  expect(made.every((id) => validate(id) && version(id) === 7)).toBe(true);
  expect(Number.parseInt((made[0] ?? "").replace("-", "").slice(0, 12), 16)).toBe(MS);
  expect(Number.parseInt((made.at(-1) ?? "").replace("-", "").slice(0, 12), 16)).toBe(MS + 4);
  expect(new Set(made).size).toBe(made.length);
  expect(made.toSorted()).toEqual(made);
});

test("two makers do not make the same ids", () => {
  const [one, other] = [new EventIds(), new EventIds()];
  const made = Array.from({ length: 1000 }, () => [
    stringify(one.next(MS)),
    stringify(other.next(MS)),
  ]).flat();
  expect(new Set(made).size).toBe(made.length);
});

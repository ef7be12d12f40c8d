import { expect, test } from "vitest";
import { dayOfDate } from "../../src/projector/event-decoder.ts";
import { Fold, type Novelty } from "../../src/projector/fold.ts";
import { ALL_TIME } from "../../src/readmodel/schema.ts";
import { type GivenEvent, logged } from "./events.ts";

const DAY = dayOfDate("2025-11-12T00:00:00Z");

const NOTHING_NEW: Novelty = { isNewUser: false, isNewOnDay: false };

function fold(given: readonly GivenEvent[], novelties: readonly Novelty[] = []) {
  const fold = new Fold();
  for (const [index, event] of logged(given).entries()) fold.add(event, novelties[index] ?? NOTHING_NEW);
  return fold;
}

test("the day of a timestamp is its UTC day", () => {
  expect(dayOfDate("1970-01-01T23:59:59.999Z")).toBe(0);
  expect(dayOfDate("1969-12-31T00:00:00Z")).toBe(-1);
  expect(dayOfDate("2025-11-12T00:00:00Z")).toBe(Date.UTC(2025, 10, 12) / 86_400_000);
  expect(dayOfDate("0000-01-01T00:00:00Z")).toBeGreaterThan(ALL_TIME);
});

test("page views count as views, by path; other events do not", () => {
  const { days } = fold([{ path: "/a" }, { path: "/a" }, { path: "/b" }, { type: "click", path: "/a" }]);
  const changes = days.get(DAY);
  expect(changes?.views).toBe(3);
  expect(changes?.paths).toEqual(
    new Map([
      ["/a", 2],
      ["/b", 1],
    ]),
  );
});

test("a view without a path counts among the views only", () => {
  const changes = fold([{}, { path: "/" }]).days.get(DAY);
  expect(changes?.views).toBe(2);
  expect(changes?.paths).toEqual(new Map([["/", 1]]));
});

test("users are counted with events of all types: in all, and on the days that they are new on", () => {
  const novelties = [
    { isNewUser: true, isNewOnDay: true },
    NOTHING_NEW,
    { isNewUser: false, isNewOnDay: true },
    { isNewUser: true, isNewOnDay: true },
  ];
  const next = "2025-11-13T00:00:00Z";
  const { users, days } = fold(
    [{ user: "u1" }, { user: "u1" }, { user: "u1", type: "click", at: next }, { user: "u2", at: next }],
    novelties,
  );
  expect(users).toBe(2);
  expect(days.get(DAY)?.users).toBe(1);
  expect(days.get(DAY + 1)?.users).toBe(2);
});

test("each day has its own changes", () => {
  const { days } = fold([
    { user: "u1", path: "/a", at: "2025-11-12T23:59:59Z" },
    { user: "u1", path: "/a", at: "2025-11-13T00:00:00Z" },
    { user: "u1", path: "/b", at: "2025-11-12T00:00:00Z" },
  ]);
  expect([...days.keys()]).toEqual([DAY, DAY + 1]);
  const paths = (...seen: [string, number][]) => new Map(seen);
  expect(days.get(DAY)).toEqual({ views: 2, users: 0, paths: paths(["/a", 1], ["/b", 1]) });
  expect(days.get(DAY + 1)).toEqual({ views: 1, users: 0, paths: paths(["/a", 1]) });
});

test("the day of an event does not depend on the one before it, whatever that is", () => {
  const { days } = fold([{ at: "2025" }, {}]);
  expect(days.get(DAY)?.views).toBe(1);
});

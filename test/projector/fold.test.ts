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
  return fold.changes();
}

test("the day of a timestamp is its UTC day", () => {
  expect(dayOfDate("1970-01-01T23:59:59.999Z")).toBe(0);
  expect(dayOfDate("1969-12-31T00:00:00Z")).toBe(-1);
  expect(dayOfDate("2025-11-12T00:00:00Z")).toBe(Date.UTC(2025, 10, 12) / 86_400_000);
  expect(dayOfDate("0000-01-01T00:00:00Z")).toBeGreaterThan(ALL_TIME);
});

test("page views count as views, by path; other events do not", () => {
  const sites = fold([{ path: "/a" }, { path: "/a" }, { path: "/b" }, { type: "click", path: "/a" }]);
  const changes = sites.get("site")?.days.get(DAY);
  expect(changes?.views).toBe(3);
  expect(changes?.paths).toEqual(
    new Map([
      ["/a", 2],
      ["/b", 1],
    ]),
  );
});

test("a view without a path counts among the views only", () => {
  const changes = fold([{}, { path: "/" }])
    .get("site")
    ?.days.get(DAY);
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
  const sites = fold(
    [{ user: "u1" }, { user: "u1" }, { user: "u1", type: "click", at: next }, { user: "u2", at: next }],
    novelties,
  );
  expect(sites.get("site")?.users).toBe(2);
  expect(sites.get("site")?.days.get(DAY)?.users).toBe(1);
  expect(sites.get("site")?.days.get(DAY + 1)?.users).toBe(2);
});

test("each day of each site has its own changes", () => {
  const sites = fold([
    { user: "u1", path: "/a", at: "2025-11-12T23:59:59Z" },
    { user: "u1", path: "/a", at: "2025-11-13T00:00:00Z" },
    { user: "u1", path: "/b", at: "2025-11-12T00:00:00Z" },
    { user: "u2", site: "other", at: "2025-11-12T00:00:00Z" },
  ]);
  expect([...sites.keys()]).toEqual(["site", "other"]);
  expect(sites.get("site")?.days.get(DAY)).toMatchObject({
    views: 2,
    paths: new Map([
      ["/a", 1],
      ["/b", 1],
    ]),
  });
  expect(sites.get("site")?.days.get(DAY + 1)).toMatchObject({ views: 1 });
  expect(sites.get("other")?.days.get(DAY)).toEqual({ views: 1, paths: new Map(), users: 0 });
});

test("the day of an event does not depend on the one before it, whatever that is", () => {
  const days = fold([{ at: "2025" }, {}]).get("site")?.days;
  expect(days?.get(DAY)?.views).toBe(1);
});

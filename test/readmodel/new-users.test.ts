import { expect, test } from "vitest";
import { NewUsers } from "../../src/readmodel/new-users.ts";
import { ALL_TIME } from "../../src/readmodel/schema.ts";

test("users are counted once in all, and on each day that they are new on", () => {
  const users = new NewUsers(7);
  users.add(20, { isNewUser: true, isNewOnDay: true });
  users.add(20, { isNewUser: false, isNewOnDay: false });
  users.add(21, { isNewUser: false, isNewOnDay: true });
  users.add(21, { isNewUser: true, isNewOnDay: true });
  expect(users.take()).toEqual([
    { site: 7, day: ALL_TIME, users: 2 },
    { site: 7, day: 20, users: 1 },
    { site: 7, day: 21, users: 2 },
  ]);
  expect(users.take()).toEqual([]);
});

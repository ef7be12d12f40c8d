import { expect, test } from "vitest";
import { connectionsOf, descriptorLimit } from "../../src/api/connection-limit.ts";
import { openTestPort, POST_EVENT, RawClient } from "./port-fixture.ts";

test("connections leave a quarter of the descriptors to files", () => {
  expect(connectionsOf(1024)).toBe(768);
  expect(connectionsOf(undefined)).toBe(Number.POSITIVE_INFINITY);
});

test("the limit of descriptors is known", () => {
  expect(descriptorLimit()).toBeGreaterThan(50);
});

test("a connection beyond the limit is closed at once, and the log says so once; the others are served", async () => {
  const { port, logged } = await openTestPort({ maxConnections: 2 });
  const [first, second] = [await RawClient.open(port), await RawClient.open(port)];
  for (let n = 0; n < 3; n += 1) await (await RawClient.open(port)).closed;
  for (const client of [first, second]) {
    client.send(POST_EVENT);
    await client.answered();
  }
  expect(logged.length).toBe(1);
  expect(logged[0]).toContain("connections are closed at once");
});

test("when a connection has ended there is room for another", async () => {
  const { port } = await openTestPort({ maxConnections: 1 });
  const first = await RawClient.open(port);
  first.send(POST_EVENT);
  await first.answered();
  first.socket.end();
  await first.closed;
  const second = await RawClient.open(port);
  second.send(POST_EVENT);
  await second.answered();
});

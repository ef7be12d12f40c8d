// What comes behind a request and is none leaves the answer to it as it is: in the order of requests, each has its own.

import { expect, test } from "vitest";
import { EVENT, http1, openTestPort, POST_EVENT, RawClient, SOON } from "./port-fixture.ts";

const LONG = "a".repeat(20_000);

test.each([
  ["what is no request", "GARBAGE\r\n\r\n", [200, 400]],
  ["a header that is none", "GET /health HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n", [200, 400]],
  ["a head that is too long", `GET /health HTTP/1.1\r\nHost: x\r\nX: ${LONG}\r\n\r\n`, [200, 431]],
  [
    "an extension of a chunk that is too long",
    `POST /event HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;${LONG}\r\n`,
    [200, 413],
  ],
  [
    "two lengths",
    "POST /event HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    [200, 400],
  ],
  ["another event, and what is no request", `${POST_EVENT}GARBAGE\r\n\r\n`, [200, 200, 400]],
])("an event with %s behind it is answered as stored", async (_, behind, statuses) => {
  const { port, ingest } = await openTestPort();
  const { promise: disk, resolve: goOn } = Promise.withResolvers<void>();
  ingest.gate = disk;
  const client = await RawClient.open(port);
  client.send(POST_EVENT + behind);
  await expect.poll(() => ingest.calls, SOON).toBe(statuses.length - 1);
  // The client goes on, which changes nothing.
  client.send("more of it\r\n");
  goOn();
  await client.closed;
  const answers = [...client.received.matchAll(/HTTP\/1\.1 (\d+) /g)];
  expect(answers.map(([, status]) => Number(status))).toEqual(statuses);
  expect(ingest.stored.length).toBe(statuses.length - 1);
});

test("what is behind the last request of a connection gets no answer", async () => {
  const { port, ingest } = await openTestPort();
  const client = await RawClient.open(port);
  client.send(
    `${http1("POST /event", EVENT, { Connection: "close" })}GET /health HTTP/1.1\r\nHost: x\r\n\r\n`,
  );
  await client.closed;
  expect(client.received).toMatch(/^HTTP\/1\.1 200 .*"Event received"}$/s);
  expect(ingest.stored.length).toBe(1);
});

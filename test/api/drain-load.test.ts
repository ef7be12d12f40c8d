// The port drains under clients that send one request after the other, as fast as they can.

import { constants } from "node:http2";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import {
  EVENT,
  openSession,
  openTestPort,
  POST_EVENT,
  RawClient,
  SOON,
  type TestPort,
} from "./port-fixture.ts";

interface Tally {
  answered: number;
  /** Not answered, with the word of the protocol that they were not carried out. */
  refused: number;
  /** Neither. */
  cut: number;
}

/** Sends on one connection of HTTP/1.1 until an answer says to send no more. */
async function keepSending(port: number, tally: Tally): Promise<void> {
  const client = await RawClient.open(port);
  for (let sent = 1; !client.received.includes("Connection: close"); sent += 1) {
    client.send(POST_EVENT);
    const answer = new Promise((resolve) => client.socket.once("data", resolve));
    await Promise.race([answer, client.closed]);
    if (client.answers() < sent) {
      tally.cut += 1;
      break;
    }
    tally.answered += 1;
  }
  client.socket.destroy();
}

/** Keeps three streams open on one session of HTTP/2, until GOAWAY says to open no more. */
async function keepStreaming(url: string, tally: Tally): Promise<void> {
  const { session } = openSession(url);
  const sendOne = () =>
    new Promise<void>((resolve) => {
      const stream = session.request({ ":method": "POST", ":path": "/event" });
      let status = 0;
      stream.on("response", (headers) => {
        status = Number(headers[":status"]);
      });
      stream.on("error", () => {});
      stream.on("close", () => {
        if (status === 200) tally.answered += 1;
        else if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) tally.refused += 1;
        else tally.cut += 1;
        resolve();
      });
      stream.resume();
      stream.end(EVENT);
    });
  const sender = async () => {
    while (!session.closed && !session.destroyed) await sendOne();
  };
  await Promise.all([sender(), sender(), sender()]);
}

/** Each event gets to disk a little later. */
function slowDown({ ingest }: TestPort): void {
  Object.defineProperty(ingest, "gate", { get: () => delay(1) });
}

test("no request is cut: each is answered, or was not carried out and the client is told so", async () => {
  const opened = await openTestPort();
  slowDown(opened);
  const tally: Tally = { answered: 0, refused: 0, cut: 0 };
  const senders = [
    ...Array.from({ length: 4 }, () => keepSending(opened.port, tally)),
    ...Array.from({ length: 3 }, () => keepStreaming(opened.url, tally)),
  ];
  await expect.poll(() => tally.answered, SOON).toBeGreaterThan(200);
  await opened.drain(60_000);
  await Promise.all(senders);
  expect(tally.cut).toBe(0);
  expect(opened.ingest.stored.length).toBe(tally.answered);
  expect(opened.logged).toEqual([]);
});

test("of the new connections during the drain, none is carried out without its answer", async () => {
  const opened = await openTestPort();
  let answered = 0;
  let isRefused = false;
  const connectOnAndOn = async () => {
    while (!isRefused) {
      const client = await RawClient.open(opened.port).catch(() => undefined);
      if (!client) {
        isRefused = true;
        return;
      }
      client.send(POST_EVENT.replace("Host: x", "Host: x\r\nConnection: close"));
      await client.closed;
      answered += client.answers();
      client.socket.destroy();
    }
  };
  const senders = Array.from({ length: 8 }, connectOnAndOn);
  await expect.poll(() => answered, SOON).toBeGreaterThan(100);
  await opened.drain(60_000);
  await Promise.all(senders);
  expect(opened.ingest.stored.length).toBe(answered);
});

test("requests that meet the closing of their idle connections are answered, or not carried out", async () => {
  const opened = await openTestPort();
  const clients = await Promise.all(Array.from({ length: 40 }, () => RawClient.open(opened.port)));
  // Some before it, some after it, and some at it: half a second after the drain began.
  const sent = clients.map(async (client, n) => {
    await delay(480 + n);
    client.send(POST_EVENT);
    await client.closed;
    client.socket.destroy();
  });
  await opened.drain(60_000);
  await Promise.all(sent);
  const answered = clients.reduce((sum, client) => sum + client.answers(), 0);
  expect(opened.ingest.stored.length).toBe(answered);
});

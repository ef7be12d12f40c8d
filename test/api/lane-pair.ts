// Two ports, one with the lane of events and one without: what is sent to both must come out the same.

import { once } from "node:events";
import { request as requestHttp1 } from "node:http";
import type { ClientHttp2Session } from "node:http2";
import { expect } from "vitest";
import { Origins } from "../../src/api/origin.ts";
import { openSession, openTestPort, type TestPort } from "./port-fixture.ts";

export type Headers = Readonly<Record<string, string>>;

export interface Call {
  readonly path: string;
  readonly headers: Headers;
  readonly body: Buffer;
  /** Sent in two parts, the first of them this long. */
  readonly splitAt?: number;
}

interface Seen {
  readonly status: number | undefined;
  readonly headers: Headers;
  readonly trailers: Headers;
  readonly body: string;
}

/** Both ports, and a way to send the same to each of them. */
export async function openPair(origins = new Origins()) {
  const withLane = await openTestPort({}, origins);
  const without = await openTestPort({ lane: undefined }, origins);
  const pair = [withLane, without].map((port) => ({ port, session: openSession(port.url).session }));
  /** The lane takes it, unless it says otherwise: sent over both versions of HTTP, to both ports. */
  return async (call: Call): Promise<Seen[]> => {
    const seen: Seen[][] = [];
    for (const { port, session } of pair)
      seen.push([await overHttp1(port, call), await overHttp2(session, call)]);
    expect(seen[0]).toEqual(seen[1]);
    expect(withLane.ingest.stored).toEqual(without.ingest.stored);
    expect(withLane.ingest.origins).toEqual(without.ingest.origins);
    expect(withLane.logged).toEqual(without.logged);
    return seen[0] ?? [];
  };
}

export async function overHttp1({ port }: TestPort, { path, headers, body, splitAt }: Call): Promise<Seen> {
  const req = requestHttp1({ host: "127.0.0.1", port, method: "POST", path, headers, agent: false });
  // A port that refuses a body may close the connection under it, when it has answered.
  req.on("error", () => {});
  if (splitAt !== undefined) req.write(body.subarray(0, splitAt));
  req.end(body.subarray(splitAt ?? 0));
  const [res] = await once(req, "response");
  const bytes: Buffer[] = await res.toArray();
  return seenOf(res.statusCode, res.headers, res.trailers, bytes);
}

export async function overHttp2(
  session: ClientHttp2Session,
  { path, headers, body, splitAt }: Call,
): Promise<Seen> {
  const stream = session.request({ ":method": "POST", ":path": path, ...headers });
  let trailers: object = {};
  stream.on("trailers", (fields) => {
    trailers = fields;
  });
  if (splitAt !== undefined) stream.write(body.subarray(0, splitAt));
  stream.end(body.subarray(splitAt ?? 0));
  const [response] = await once(stream, "response");
  const bytes: Buffer[] = await stream.toArray();
  return seenOf(response[":status"], response, trailers, bytes);
}

function seenOf(status: number, headers: object, trailers: object, bytes: readonly Buffer[]): Seen {
  const fields = Object.entries(headers).filter(([name]) => name !== "date");
  return {
    status,
    headers: Object.fromEntries(fields),
    trailers: Object.fromEntries(Object.entries(trailers)),
    body: Buffer.concat(bytes).toString("latin1"),
  };
}

/** A message as gRPC has it. */
export function envelope(message: Buffer, flags = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5, flags);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

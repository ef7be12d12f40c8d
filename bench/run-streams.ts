// A process: calls of IngestEventStream over gRPC, each on a connection of its own, which write the same encoded batch
// again and again, as fast as the server takes it. Argument: a StreamTask. It prints a StreamResult as JSON.

import { once } from "node:events";
import { type ClientHttp2Stream, connect } from "node:http2";
import { fromBinary } from "@bufbuild/protobuf";
import { AnalyticsService, IngestEventStreamResponseSchema } from "../gen/ts/analytics/v1/analytics_pb.ts";
import { BATCH_EVENTS, encodeBatch } from "./batches.ts";
import { ENVELOPE_BYTES, enveloped } from "./envelope.ts";

export interface StreamTask {
  readonly url: string;
  readonly streams: number;
  readonly seconds: number;
}

export interface StreamResult {
  readonly accepted: number;
  readonly perSecond: number;
}

const PATH = `/${AnalyticsService.typeName}/${AnalyticsService.method.ingestEventStream.name}`;
const HEADERS = { ":method": "POST", ":path": PATH, "content-type": "application/grpc", te: "trailers" };

const task: StreamTask = JSON.parse(process.argv[2] ?? "{}");
const message = enveloped(encodeBatch());
const startedAt = performance.now();
const accepted = await Promise.all(Array.from({ length: task.streams }, call));
const total = accepted.reduce((sum, count) => sum + count, 0);
const result: StreamResult = {
  accepted: total,
  perSecond: total / ((performance.now() - startedAt) / 1000),
};
process.stdout.write(JSON.stringify(result));

/** Writes for as long as it is to, and resolves to how many events were accepted: all, or it throws. */
async function call(): Promise<number> {
  const session = connect(task.url);
  const stream = session.request(HEADERS);
  const answer = readAnswer(stream);
  let sent = 0;
  while (performance.now() < startedAt + task.seconds * 1000) {
    sent += BATCH_EVENTS;
    if (!stream.write(message)) await Promise.race([once(stream, "drain"), answer]);
  }
  stream.end();
  const accepted = await answer;
  session.close();
  if (accepted !== sent) throw new Error(`of ${sent} events, ${accepted} were accepted`);
  return accepted;
}

async function readAnswer(stream: ClientHttp2Stream): Promise<number> {
  const chunks: Buffer[] = [];
  let status: unknown;
  stream.on("response", (headers) => {
    status = headers["grpc-status"];
  });
  stream.on("trailers", (trailers) => {
    status = trailers["grpc-status"];
  });
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(stream, "end");
  if (status !== "0") throw new Error(`the stream ends with the gRPC status ${status}`);
  const answer = Buffer.concat(chunks).subarray(ENVELOPE_BYTES);
  return Number(fromBinary(IngestEventStreamResponseSchema, answer).acceptedCount);
}

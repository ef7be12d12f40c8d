// A process: batches decoded by protobuf-es and thrown away. No server that reads its messages with it takes in more.
// Argument: for how many seconds. It prints how many events a second those were.

import { fromBinary } from "@bufbuild/protobuf";
import { IngestEventsRequestSchema } from "../gen/ts/analytics/v1/analytics_pb.ts";
import { encodeBatch } from "./batches.ts";

/** Before the measuring, in ms, so that the code is fast. */
const WARM_UP_MS = 500;

const batch = encodeBatch();
decodeFor(WARM_UP_MS);
process.stdout.write(String(decodeFor(Number(process.argv[2]) * 1000)));

/** Events per second. */
function decodeFor(ms: number): number {
  const startedAt = performance.now();
  let events = 0;
  let now = startedAt;
  while (now < startedAt + ms) {
    events += fromBinary(IngestEventsRequestSchema, batch).events.length;
    now = performance.now();
  }
  return events / ((now - startedAt) / 1000);
}

// Cuts the events of a block into the messages of a stream.

import { create } from "@bufbuild/protobuf";
import {
  type IngestEventRequest,
  type IngestEventStreamRequest,
  IngestEventStreamRequestSchema,
} from "../../gen/ts/analytics/v1/analytics_pb.ts";

/** Some 200 KB: large enough that a message costs little, small enough that server and client work at once. */
const MESSAGE_EVENTS = 500;

/**
 * Of the texts that may be long: a message is full when it has as many. A character is at most three bytes, and the rest of
 * an event less than a thousand, so that no message reaches 2.5 MiB; the server takes 4 MiB.
 */
const MESSAGE_CHARACTERS = 512 * 1024;

/** Messages of at least one event each, which together have `events` in order. */
export async function* messages(
  events: Iterable<IngestEventRequest>,
): AsyncGenerator<IngestEventStreamRequest> {
  let part: IngestEventRequest[] = [];
  let characters = 0;
  for (const event of events) {
    part.push(event);
    characters += event.path.length + event.url.length + event.referrer.length + event.userAgent.length;
    if (part.length < MESSAGE_EVENTS && characters < MESSAGE_CHARACTERS) continue;
    yield create(IngestEventStreamRequestSchema, { events: part });
    part = [];
    characters = 0;
  }
  if (part.length > 0) yield create(IngestEventStreamRequestSchema, { events: part });
}

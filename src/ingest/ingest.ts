// What the protocols need of ingestion: one call that validates, buffers and stores events.
// It is implemented by Ingestor (ingestor.ts); tests of the protocols use a fake.

import type { RecordedGoal, RecordedSite } from "../../gen/ts/analytics/v1/event_log_pb.ts";
import type { Origin } from "./origin.ts";
import type { EventInput } from "./validate.ts";

export interface Ingest {
  /**
   * Validates `events` and stores the valid ones, in order, as one batch. Resolves when they are on disk.
   * Rejects with an IngestError when nothing of it was accepted. `origin` is where the request comes from; of a batch, it
   * is what originOfBatch makes of that. Without it, nothing is known of the sender.
   */
  ingest(events: readonly EventInput[], origin?: Origin): Promise<IngestOutcome>;
  /**
   * Does the same with IngestEventRequests as bytes, each with its length before it as a varint, and much faster, when
   * all of them are plain (plain-events.ts). Otherwise it does nothing, and answers undefined at once.
   */
  ingestPlain(events: readonly Uint8Array[]): Promise<IngestOutcome> | undefined;
  /** The same of the events of an IngestEventsRequest, all of it. */
  ingestPlainBatch(batch: Buffer): Promise<IngestOutcome> | undefined;
  /** The same of one IngestEventRequest with nothing before it; throws an IngestError when the buffer is full. */
  ingestPlainEvent(event: Buffer, origin?: Origin): TakenEvent | undefined;
  /** Stores a setting, which was checked. Resolves when it is on disk; rejects with an IngestError. */
  record(setting: Setting): Promise<void>;
}

/** What is said about a site. When it was received is not known yet. */
export type Setting = RecordedSite | RecordedGoal;

export interface IngestOutcome {
  /** How many events were accepted. */
  readonly accepted: number;
  /** The events that are not valid, by their index in the call. */
  readonly rejected: readonly Rejection[];
  /** The id of the first accepted event, where it was made into a text: the sender's, or the one made here. */
  readonly firstId?: string;
}

/** An event that was taken in and is not on disk yet. */
export interface TakenEvent {
  /** Resolves when it is on disk; rejects with an IngestError. */
  readonly stored: Promise<void>;
  /** As text: the sender's, or the one made here. */
  readonly eventId: string;
}

export interface Rejection {
  readonly index: number;
  /** What is wrong and with which field; fit to be shown to the sender. */
  readonly reason: string;
}

/** Why ingestion took nothing in. `message` is fit to be shown to the sender. */
export class IngestError extends Error {
  /** `buffer_full`: try again soon. `unavailable`: the log failed or the server drains. `too_large`: split the batch. */
  readonly code: "buffer_full" | "unavailable" | "too_large";

  constructor(code: IngestError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "IngestError";
    this.code = code;
  }
}

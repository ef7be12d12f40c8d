// Ingestion: valid events get an id and a time of receipt, become records, and are stored by the buffer.
// It refuses, with the reason, while there is no log to write to.
//
// The server's clock: times of receipt follow it, but never go back, not even over a restart. When it steps back, or
// went ahead and is set right, they stand still at the latest one until it has caught up. Meanwhile ids are remembered
// for longer (sent again, they count once), an event without a timestamp gets that latest time, and timestamps may be a
// day ahead of it. When it steps ahead by more than the dedupe window, ids from before are forgotten: sent again, they
// count once more. clock.test.ts shows each of these.

import { stringify } from "uuid";
import type { EventLog } from "../log/event-log.ts";
import { RecordEncoder, type RecordedEvent } from "../log/records.ts";
import { BUFFER_LIMITS, type BufferLimits, IngestBuffer } from "./buffer.ts";
import { EventIds } from "./event-id.ts";
import { type Ingest, IngestError, type IngestOutcome, type Rejection } from "./ingest.ts";
import { type EventInput, type ValidEvent, validateEvent } from "./validate.ts";

export class Ingestor implements Ingest {
  readonly #now: () => number;
  readonly #onChange: (isOpen: boolean) => void;
  readonly #limits: BufferLimits;
  readonly #encoder = new RecordEncoder();
  readonly #ids = new EventIds();
  #buffer: IngestBuffer | undefined;
  #drained: Promise<void> = Promise.resolve();
  #refusal = "the event log is not open yet";
  #lastReceivedAtMs = 0;

  /**
   * `now` is the wall clock in ms; times of receipt follow it but never go back. `onChange` hears whether events are
   * taken in, each time that changes. What waits for the log is kept below `limits`.
   */
  constructor(
    now: () => number = Date.now,
    onChange: (isOpen: boolean) => void = () => {},
    limits = BUFFER_LIMITS,
  ) {
    this.#now = now;
    this.#limits = limits;
    this.#onChange = onChange;
  }

  /** Why nothing is taken in; undefined when events are. */
  get refusal(): string | undefined {
    return this.#buffer ? undefined : this.#refusal;
  }

  /** The events that were taken and are not on disk yet. */
  get waiting(): number {
    return this.#buffer?.size ?? 0;
  }

  /** Begins to take events in. */
  open(log: EventLog): void {
    this.#lastReceivedAtMs = log.lastReceivedAtMs;
    this.#buffer = new IngestBuffer(log, this.#limits);
    this.#onChange(true);
  }

  /** Takes nothing in from now on; resolves when what was taken is on disk or was rejected. */
  async refuse(reason: string): Promise<void> {
    this.#refusal = reason;
    const buffer = this.#buffer;
    if (buffer) {
      this.#buffer = undefined;
      this.#drained = buffer.drained();
      this.#onChange(false);
    }
    // Also when it was refused before: whoever comes second closes the log, which may still be written.
    await this.#drained;
  }

  async ingest(events: readonly EventInput[]): Promise<IngestOutcome> {
    const buffer = this.#buffer;
    if (!buffer) throw new IngestError("unavailable", this.#refusal);
    const receivedAtMs = Math.max(this.#now(), this.#lastReceivedAtMs);
    this.#lastReceivedAtMs = receivedAtMs;
    const recorded: RecordedEvent[] = [];
    const eventIds: string[] = [];
    const rejected: Rejection[] = [];
    for (const [index, input] of events.entries()) {
      const result = validateEvent(input, receivedAtMs);
      if (result.ok) {
        const { event, eventId } = recordedEvent(result.event, receivedAtMs, this.#ids);
        recorded.push(event);
        eventIds.push(eventId);
      } else {
        rejected.push({ index, reason: result.reason });
      }
    }
    if (recorded.length > 0) await buffer.add(this.#encoder.encode(recorded), receivedAtMs);
    return { eventIds, rejected };
  }
}

function recordedEvent(
  valid: ValidEvent,
  receivedAt: number,
  ids: EventIds,
): { event: RecordedEvent; eventId: string } {
  const { siteId, eventType, path, userId, timestamp, eventId } = valid;
  const receivedAtMs = BigInt(receivedAt);
  if (eventId !== "") {
    const id = { case: "clientEventId" as const, value: eventId };
    return { event: { siteId, eventType, path, userId, timestamp, id, receivedAtMs }, eventId };
  }
  const value = ids.next(receivedAt);
  const id = { case: "serverEventId" as const, value };
  return {
    event: { siteId, eventType, path, userId, timestamp, id, receivedAtMs },
    eventId: stringify(value),
  };
}

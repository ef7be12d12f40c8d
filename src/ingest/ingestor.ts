// Ingestion: valid events are enriched, get an id and a time of receipt, become records, and are stored by the buffer.
// It refuses, with the reason, while there is no log to write to.
//
// The server's clock: times of receipt follow it, but never go back, not even over a restart. When it steps back, or
// went ahead and is set right, they stand still at the latest one until it has caught up. Meanwhile ids are remembered
// for longer (sent again, they count once), an event without a timestamp gets that latest time, and timestamps may be a
// day ahead of it. When it steps ahead by more than the dedupe window, ids from before are forgotten: sent again, they
// count once more. clock.test.ts shows each of these.

import type { EventLog, RecordGroup } from "../log/event-log.ts";
import { MAX_PAYLOAD_BYTES } from "../log/format.ts";
import { encodeSetting, eventIdOf, RecordEncoder, type RecordedEvent } from "../log/records.ts";
import { BUFFER_LIMITS, type BufferLimits, IngestBuffer } from "./buffer.ts";
import { Enricher, type FoundFields } from "./enricher.ts";
import { EventIds } from "./event-id.ts";
import {
  type Ingest,
  IngestError,
  type IngestOutcome,
  type Rejection,
  type Setting,
  type TakenEvent,
} from "./ingest.ts";
import { UNKNOWN_ORIGIN } from "./origin.ts";
import { PlainEvents } from "./plain-events.ts";
import { type EventInput, type ValidEvent, validateEvent } from "./validate.ts";

export class Ingestor implements Ingest {
  readonly #now: () => number;
  readonly #onChange: (isOpen: boolean) => void;
  readonly #limits: BufferLimits;
  readonly #enricher: Enricher;
  readonly #encoder = new RecordEncoder();
  readonly #ids = new EventIds();
  readonly #plain: PlainEvents;
  #buffer: IngestBuffer | undefined;
  #drained: Promise<void> = Promise.resolve();
  #refusal = "the event log is not open yet";
  #lastReceivedAtMs = 0;

  /**
   * `now` is the wall clock in ms; times of receipt follow it but never go back. `onChange` hears whether events are
   * taken in, each time that changes. What waits for the log is kept below `limits`. `enricher` finds out about events.
   */
  constructor(
    now: () => number = Date.now,
    onChange: (isOpen: boolean) => void = () => {},
    limits = BUFFER_LIMITS,
    enricher = new Enricher(),
  ) {
    this.#now = now;
    this.#limits = limits;
    this.#onChange = onChange;
    this.#enricher = enricher;
    this.#plain = new PlainEvents(this.#ids, enricher);
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

  async ingest(events: readonly EventInput[], origin = UNKNOWN_ORIGIN): Promise<IngestOutcome> {
    const buffer = this.#buffer;
    if (!buffer) throw new IngestError("unavailable", this.#refusal);
    const receivedAtMs = this.#receive();
    const recorded: RecordedEvent[] = [];
    const rejected: Rejection[] = [];
    for (const [index, input] of events.entries()) {
      const result = validateEvent(input, receivedAtMs, origin.isLocal);
      const found = result.ok ? this.#enricher.enrich(result.event, origin, receivedAtMs) : result.reason;
      if (typeof found === "string") rejected.push({ index, reason: found });
      else if (result.ok) recorded.push(recordedEvent(result.event, found, receivedAtMs, this.#ids));
    }
    const [first] = recorded;
    if (!first) return { accepted: 0, rejected };
    const group = this.#encoder.encode(recorded);
    if (group.bytes.byteLength > MAX_PAYLOAD_BYTES) {
      throw new IngestError(
        "too_large",
        "the batch is too large with what is found about its events: split it",
      );
    }
    await buffer.add(group, receivedAtMs);
    return { accepted: recorded.length, rejected, firstId: eventIdOf(first) };
  }

  ingestPlain(events: readonly Uint8Array[]): Promise<IngestOutcome> | undefined {
    const buffer = this.#buffer;
    if (!buffer || events.length === 0) return undefined;
    const receivedAtMs = this.#receive();
    const group = this.#plain.records(events, receivedAtMs);
    return group && storePlain(buffer, group, receivedAtMs);
  }

  ingestPlainBatch(batch: Buffer): Promise<IngestOutcome> | undefined {
    const buffer = this.#buffer;
    if (!buffer) return undefined;
    const receivedAtMs = this.#receive();
    const group = this.#plain.batch(batch, receivedAtMs);
    return group && storePlain(buffer, group, receivedAtMs);
  }

  ingestPlainEvent(event: Buffer, origin = UNKNOWN_ORIGIN): TakenEvent | undefined {
    const buffer = this.#buffer;
    if (!buffer) return undefined;
    const receivedAtMs = this.#receive();
    const record = this.#plain.record(event, receivedAtMs, origin);
    return record && { stored: buffer.add(record.group, receivedAtMs), eventId: record.eventId };
  }

  async record(setting: Setting): Promise<void> {
    const buffer = this.#buffer;
    if (!buffer) throw new IngestError("unavailable", this.#refusal);
    const receivedAtMs = this.#receive();
    await buffer.add(encodeSetting({ ...setting, receivedAtMs: BigInt(receivedAtMs) }), receivedAtMs);
  }

  /** The time of receipt of what is taken in now. */
  #receive(): number {
    this.#lastReceivedAtMs = Math.max(this.#now(), this.#lastReceivedAtMs);
    return this.#lastReceivedAtMs;
  }
}

async function storePlain(
  buffer: IngestBuffer,
  group: RecordGroup,
  receivedAtMs: number,
): Promise<IngestOutcome> {
  await buffer.add(group, receivedAtMs);
  return { accepted: group.count, rejected: [] };
}

function recordedEvent(
  { siteId, eventType, userId, timestamp, eventId }: ValidEvent,
  found: FoundFields,
  receivedAt: number,
  ids: EventIds,
): RecordedEvent {
  const id: RecordedEvent["id"] =
    eventId === ""
      ? { case: "serverEventId", value: ids.next(receivedAt) }
      : { case: "clientEventId", value: eventId };
  return { siteId, eventType, userId, timestamp, id, receivedAtMs: BigInt(receivedAt), ...found };
}

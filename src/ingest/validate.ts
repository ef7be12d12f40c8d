// One validation for all protocols.

/** An event as a sender gave it; IngestEventRequest is one. An empty string counts as absent. */
export interface EventInput {
  readonly siteId: string;
  readonly eventType: string;
  readonly path: string;
  readonly userId: string;
  readonly timestamp?: string | undefined;
  readonly eventId: string;
}

/** An event that may be stored. */
export interface ValidEvent {
  readonly siteId: string;
  readonly eventType: string;
  readonly path: string;
  readonly userId: string;
  /** RFC 3339 in UTC with "Z" and 0, 3, 6 or 9 digits of fraction. */
  readonly timestamp: string;
  /** The sender's idempotency key; empty when there is none. */
  readonly eventId: string;
}

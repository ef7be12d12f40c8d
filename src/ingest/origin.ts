// Where a request comes from, as far as its events are concerned. Nothing of it is ever stored or logged as it is.

import { headOf } from "../enrich/text.ts";

export interface Origin {
  /** The address of the client, as normalAddress (address.ts) writes it; empty when it is not known. */
  readonly address: string;
  /** At most its first MAX_AGENT_BYTES; empty when there is none. */
  readonly userAgent: string;
  /** A browser loads the page ahead of time: nobody may ever see it. */
  readonly isPrefetch: boolean;
  /** Whether it comes from this machine, and so may say who somebody else is. */
  readonly isLocal: boolean;
  /** The sender asks not to be tracked, and that is to be respected. */
  readonly refusesTracking: boolean;
}

/** How much of a user agent is looked at, in bytes: what follows tells nothing any more. */
const MAX_AGENT_BYTES = 1024;

/** Of a request of which nothing is known. */
export const UNKNOWN_ORIGIN: Origin = {
  ...{ address: "", userAgent: "", isPrefetch: false, isLocal: false, refusesTracking: false },
};
const LOCAL_SERVER: Origin = { ...UNKNOWN_ORIGIN, isLocal: true };

/** Of a batch that comes from `origin`: a server speaks for many, so what it is itself says nothing about the events. */
export function originOfBatch({ isLocal }: Origin): Origin {
  return isLocal ? LOCAL_SERVER : UNKNOWN_ORIGIN;
}

/** The part of a user agent that is looked at. */
export function headOfAgent(userAgent: string): string {
  return headOf(userAgent, MAX_AGENT_BYTES);
}

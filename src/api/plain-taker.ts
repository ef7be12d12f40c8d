// What the short way of events (ingest-lane.ts) and those that bring it requests know of each other.

import type { IncomingHttpHeaders } from "node:http";
import type { Shape } from "./ingest-shapes.ts";

/** The head of a POST request. */
export interface RequestHead {
  readonly path: string;
  /** By their names in lower case; with `host`, whatever the version of HTTP. */
  readonly headers: IncomingHttpHeaders;
}

/** How requests with a head from `peer`, an address, are taken; undefined when they are not plain. */
export type TakerOf = (head: RequestHead, peer: string | undefined) => PlainTaker | undefined;

/** How requests with a certain head are taken and answered. */
export interface PlainTaker {
  readonly shape: Shape;
  /** What the answer has beside its length, by their names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Takes a body, and calls back once, perhaps at once. */
  take(body: Buffer, end: PlainEnd): void;
}

/** How a request ends, in one of three ways. */
export interface PlainEnd {
  /** Success, with this body: a text with a character for each byte. */
  answer(body: string): void;
  /** Nothing was done: the full handlers are to judge it. */
  full(): void;
  /** There is no answer. */
  fail(): void;
}

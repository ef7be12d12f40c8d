// From the bytes of a line to what happened.

import { isUtf8 } from "node:buffer";
import { parseCombined } from "./combined.ts";
import { MAX_LINE_BYTES } from "./hashed-lines.ts";
import { parseLogTime } from "./log-time.ts";
import { referrerOf } from "./logged-text.ts";
import { memoized } from "./memo.ts";
import { requestTarget } from "./request-target.ts";

/** A successful GET. */
export interface Hit {
  readonly kind: "hit";
  readonly path: string;
  /** See RequestTarget. */
  readonly url: string;
  /** RFC 3339, in UTC. */
  readonly timestamp: string;
  readonly address: string;
  /** Empty when there is none, or none that the server takes. */
  readonly referrer: string;
  /** As it is logged. */
  readonly userAgent: string;
}

export type AccessLine =
  | Hit
  /** Well-formed, but no successful GET. */
  | { readonly kind: "other" }
  | { readonly kind: "malformed"; readonly reason: string };

const OTHER: AccessLine = { kind: "other" };

/**
 * Reads the lines of one file, in order. It remembers two things: times and referrers, as lines of a log share
 * them; and whether lines have further fields behind the combined ones, as then a last line without a line ending may
 * be cut off without it being seen, and would be sent a second time, under another id, when it is whole.
 */
export function accessLineReader(): (line: Buffer | undefined, ended: boolean) => AccessLine {
  const timestampOf = memoized((time) => parseLogTime(time) ?? "");
  const referrer = memoized(referrerOf);
  let furtherFields = false;

  return (bytes, ended) => {
    if (bytes === undefined) return malformed(`longer than ${MAX_LINE_BYTES} bytes`);
    if (!isUtf8(bytes)) return malformed("not UTF-8");
    const line = parseCombined(bytes.toString());
    if (line === undefined) return malformed("not in the combined format");
    furtherFields ||= line.furtherFields;
    if (!ended && furtherFields) return malformed("no line ending, may be cut off");
    const timestamp = timestampOf(line.time);
    if (timestamp === "") return malformed("no such time");
    if (!isSuccess(line.status)) return OTHER;
    const target = requestTarget(line.request);
    if (target === undefined) return OTHER;
    return {
      kind: "hit",
      path: target.path,
      url: target.url,
      timestamp,
      address: line.address,
      referrer: referrer(line.referrer),
      userAgent: line.userAgent,
    };
  };
}

/** 304 is a page that the browser had already and showed again. */
function isSuccess(status: number): boolean {
  return (status >= 200 && status < 300) || status === 304;
}

function malformed(reason: string): AccessLine {
  return { kind: "malformed", reason };
}

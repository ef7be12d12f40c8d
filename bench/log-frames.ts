// The group commits of a log: how large each is, and how many events it has. The log must be whole and at rest.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeFrameHeader, FRAME_OVERHEAD_BYTES, SEGMENT_HEADER_BYTES } from "../src/log/format.ts";

export interface Commit {
  readonly bytes: number;
  readonly events: number;
}

/** Those of the newest segment, in order. */
export function lastCommits(logDirectory: string): Commit[] {
  const segments = readdirSync(logDirectory).filter((name) => name.endsWith(".log"));
  const newest = segments.sort().at(-1);
  if (newest === undefined) throw new Error(`there is no log in ${logDirectory}`);
  const segment = readFileSync(join(logDirectory, newest));
  const commits: Commit[] = [];
  let position = SEGMENT_HEADER_BYTES;
  while (true) {
    const header = decodeFrameHeader(segment.subarray(position));
    if (!header) return commits;
    const bytes = FRAME_OVERHEAD_BYTES + header.payloadBytes;
    commits.push({ bytes, events: header.count });
    position += bytes;
  }
}

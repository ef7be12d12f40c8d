// A large access log: a small one, over and over. Every line has an event id of its own, as ids are running hashes.

import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { ACCESS_LOG } from "../data/access-log-facts.ts";
import { REAL_LOG } from "../needs.ts";

export interface BigLog {
  readonly path: string;
  readonly lines: number;
  /** Of an import with static files and bots. */
  readonly views: number;
  readonly users: number;
}

/** Writes at least `lines` lines: the real log's where it is there, else those of our own. */
export function makeBigLog(directory: string, lines: number): BigLog {
  const isReal = existsSync(REAL_LOG);
  const once = isReal
    ? { content: gunzipSync(readFileSync(REAL_LOG)), lines: 10_000, views: 9_580, users: 1_691 }
    : {
        content: readFileSync(join(import.meta.dirname, "../data/access.log")),
        lines: ACCESS_LOG.lines,
        views: ACCESS_LOG.everything.views,
        users: ACCESS_LOG.everything.users,
      };
  const path = join(directory, "access.log");
  const times = Math.ceil(lines / once.lines);
  for (let written = 0; written < times; written += 1) appendFileSync(path, once.content);
  return { path, lines: times * once.lines, views: times * once.views, users: once.users };
}

// What an event takes on disk: in the log, and in the read model, beside the JSON that it came as.

import { readdirSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Figure } from "./benchmark.ts";
import { Events, type Mix } from "./fold-mix.ts";

/** Of the events whose JSON is measured. */
const SAMPLE = 10_000;

export function sizeFigures(dataDirectory: string, mix: Mix): Figure[] {
  const log = join(dataDirectory, "log");
  const segments = readdirSync(log).map((name) => join(log, name));
  const perEvent = (files: readonly string[]) =>
    files.reduce((sum, file) => sum + statSync(file).size, 0) / mix.events;
  return [
    { name: "an event as JSON", value: jsonBytes(mix), unit: "bytes" },
    { name: "an event in the log", value: perEvent(segments), unit: "bytes" },
    {
      name: "an event in the read model, aggregates included",
      value: perEvent([realpathSync(join(dataDirectory, "analytics.db"))]),
      unit: "bytes",
    },
  ];
}

/** The mean length of the body of `POST /event`, from events all over the log. */
function jsonBytes(mix: Mix): number {
  const events = new Events(mix);
  let bytes = 0;
  for (let sample = 0; sample < SAMPLE; sample += 1) {
    const index = Math.floor((sample / SAMPLE) * mix.events);
    const { siteId, eventType, path, userId, timestamp } = events.recorded(index, events.visit(index));
    const body = { site_id: siteId, event_type: eventType, path, user_id: userId, timestamp };
    bytes += JSON.stringify(body).length;
  }
  return bytes / SAMPLE;
}

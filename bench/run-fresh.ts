// A process: events at a constant rate, and how long it takes from the answer to each until it is in the statistics of
// its site, which are asked for again and again. Argument: a Pace. It prints a FreshResult as JSON.
//
// The statistics are those of a prefix of the log, and what is sent after an answer stands behind its event there. So an
// event counts when there are as many views as events had been sent by its answer.

import { setTimeout as wait } from "node:timers/promises";
import { Http1Connection, http1Request } from "./http1-connection.ts";
import { type Pace, sendPaced } from "./paced-events.ts";
import { SITE } from "./single-events.ts";
import { percentile } from "./statistics.ts";

export interface FreshResult {
  readonly accepted: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly worstMs: number;
}

/** Between two questions, in ms. */
const POLL_MS = 2;

const pace: Pace = JSON.parse(process.argv[2] ?? "{}");
const url = new URL(`/stats?site_id=${SITE}`, pace.url);
const connection = await Http1Connection.open(url);
const question = http1Request("GET", url);
const viewsBefore = await views();

/** The events that were answered and are not seen yet, oldest first. */
const unseen: { readonly answeredAt: number; readonly views: number }[] = [];
const times: number[] = [];
let isSending = true;
const seen = watch();
const accepted = await sendPaced(pace, (_, sent) =>
  unseen.push({ answeredAt: performance.now(), views: viewsBefore + sent }),
);
isSending = false;
await seen;
connection.close();
const result: FreshResult = {
  accepted,
  p50Ms: percentile(times, 0.5),
  p99Ms: percentile(times, 0.99),
  worstMs: percentile(times, 1),
};
process.stdout.write(JSON.stringify(result));

async function watch(): Promise<void> {
  while (isSending || unseen.length > 0) {
    const counted = await views();
    const now = performance.now();
    for (let first = unseen[0]; first && first.views <= counted; first = unseen[0]) {
      times.push(now - first.answeredAt);
      unseen.shift();
    }
    await wait(POLL_MS);
  }
}

function views(): Promise<number> {
  return new Promise((resolve, reject) => {
    connection.send(question, (status, body) => {
      if (status === 200) resolve(JSON.parse(body).total_views);
      else reject(new Error(`GET /stats answers ${status}: ${body}`));
    });
  });
}

// Sends POST /event at a constant rate, whatever the answers do: an event that is due does not wait for those before it.
// If all connections are taken it waits for one, and that counts.

import { Http1Connection, http1Request } from "./http1-connection.ts";
import { POST_EVENT } from "./single-events.ts";

/** More than are ever in use unless the server stands still. */
const CONNECTIONS = 256;
/** How often events are sent that are due, in ms. */
const TICK_MS = 1;

export interface Pace {
  /** Of the server. */
  readonly url: string;
  readonly perSecond: number;
  readonly seconds: number;
}

/**
 * Resolves when all events are answered, to how many those are; it throws when one was refused. `onAnswer` hears of
 * each when it was due and how many had been sent by now, itself included.
 */
export async function sendPaced(
  pace: Pace,
  onAnswer: (dueAt: number, sent: number) => void,
): Promise<number> {
  const url = new URL(POST_EVENT.path, pace.url);
  const request = http1Request("POST", url, POST_EVENT.body);
  const free = await Promise.all(Array.from({ length: CONNECTIONS }, () => Http1Connection.open(url)));
  const connections = [...free];
  const total = Math.round(pace.perSecond * pace.seconds);
  const waiting: number[] = [];
  const done = Promise.withResolvers<void>();
  let due = 0;
  let sent = 0;
  let answered = 0;

  const send = (connection: Http1Connection, dueAt: number) => {
    sent += 1;
    connection.send(request, (status, body) => {
      if (status !== 200) throw new Error(`POST /event answers ${status}: ${body}`);
      answered += 1;
      onAnswer(dueAt, sent);
      const next = waiting.shift();
      if (next === undefined) free.push(connection);
      else send(connection, next);
      if (answered === total) done.resolve();
    });
  };

  const startedAt = performance.now();
  const ticks = setInterval(() => {
    const now = performance.now();
    const dueByNow = Math.min(total, Math.floor(((now - startedAt) / 1000) * pace.perSecond));
    for (; due < dueByNow; due += 1) {
      const connection = free.pop();
      // That this process is a little late is no delay of the server.
      if (connection) send(connection, now);
      else waiting.push(now);
    }
  }, TICK_MS);
  await done.promise;
  clearInterval(ticks);
  for (const connection of connections) connection.close();
  return answered;
}

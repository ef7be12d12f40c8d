// Shows how far something is that is counted: a bar with rate and time left on a terminal, plain lines elsewhere.

import { SingleBar } from "cli-progress";

/** How often a plain line is printed, in ms. */
const PLAIN_INTERVAL_MS = 5000;

export interface Counter {
  /** `done` of `total`; the total may grow. */
  update(done: number, total: number): void;
  stop(): void;
}

/** Counts `what` (events, frames) on `stderr`. */
export function startCounter(what: string, stderr: NodeJS.WriteStream): Counter {
  const startedAt = performance.now();
  let first: number | undefined;
  const rateOf = (done: number) => {
    first ??= done;
    return Math.round((done - first) / Math.max(0.001, (performance.now() - startedAt) / 1000));
  };
  return stderr.isTTY ? bar(what, stderr, rateOf) : plainLines(what, stderr, rateOf);
}

function bar(what: string, stderr: NodeJS.WriteStream, rateOf: (done: number) => number): Counter {
  const format = `[{bar}] {percentage}% | {value} of {total} ${what} | {rate}/s | {eta_formatted} left`;
  const only = new SingleBar({ stream: stderr, format, gracefulExit: false, emptyOnZero: true });
  only.start(0, 0, { rate: 0 });
  return {
    update(done, total) {
      only.setTotal(total);
      only.update(done, { rate: rateOf(done).toLocaleString("en") });
    },
    stop: () => only.stop(),
  };
}

function plainLines(what: string, stderr: NodeJS.WriteStream, rateOf: (done: number) => number): Counter {
  let printedAt = performance.now();
  return {
    update(done, total) {
      const rate = rateOf(done);
      if (performance.now() - printedAt < PLAIN_INTERVAL_MS) return;
      printedAt = performance.now();
      const left = rate > 0 ? `, about ${Math.ceil((total - done) / rate)} s left` : "";
      const [shownDone, shownTotal, shownRate] = [done, total, rate].map((count) =>
        count.toLocaleString("en"),
      );
      stderr.write(`${shownDone} of ${shownTotal} ${what}, ${shownRate}/s${left}\n`);
    },
    stop() {},
  };
}

// Shows how far the import is: a bar on a terminal, plain lines elsewhere; and prints what there is to report
// without tearing the bar.

import { MultiBar, type SingleBar } from "cli-progress";

/** How often a plain line is printed. */
const PLAIN_INTERVAL_MS = 5_000;

const MEBIBYTE = 1024 * 1024;

export interface Progress {
  /** `bytes` more were read, before unpacking. */
  read(bytes: number): void;
  /** `lines` more are done. */
  done(lines: number): void;
  /** Prints a line. */
  log(text: string): void;
  /** Takes the bar away. */
  stop(): void;
}

export interface ProgressOptions {
  readonly stderr: NodeJS.WritableStream;
  readonly isTTY: boolean;
  /** How much there is to read; undefined if that is not known. */
  readonly totalBytes: number | undefined;
}

export function startProgress({ stderr, isTTY, totalBytes }: ProgressOptions): Progress {
  return isTTY ? bar(stderr, totalBytes) : plainLines(stderr, totalBytes);
}

function bar(stderr: NodeJS.WritableStream, totalBytes: number | undefined): Progress {
  let bytes = 0;
  let lines = 0;
  const format =
    totalBytes === undefined
      ? "{lines} lines, {mebibytes} MiB"
      : "[{bar}] {percentage}% | {lines} lines | ETA {eta_formatted}";
  // A stack of one bar, as only a stack can print lines above itself. What happens on Ctrl-C is the caller's business.
  const stack = new MultiBar({ stream: stderr, format, gracefulExit: false, emptyOnZero: true });
  const payload = () => ({ lines: lines.toLocaleString("en"), mebibytes: (bytes / MEBIBYTE).toFixed(1) });
  const only: SingleBar = stack.create(totalBytes ?? 0, 0, payload());
  return {
    read(count) {
      bytes += count;
      only.update(bytes, payload());
    },
    done(count) {
      lines += count;
      only.update(bytes, payload());
    },
    log(text) {
      stack.log(`${text}\n`);
    },
    stop() {
      // Prints what was logged since the last redraw.
      stack.update();
      stack.stop();
    },
  };
}

function plainLines(stderr: NodeJS.WritableStream, totalBytes: number | undefined): Progress {
  let bytes = 0;
  let lines = 0;
  let printedAt = performance.now();
  return {
    read(count) {
      bytes += count;
    },
    done(count) {
      lines += count;
      if (performance.now() - printedAt < PLAIN_INTERVAL_MS) return;
      printedAt = performance.now();
      const part = totalBytes
        ? `${Math.floor((bytes / totalBytes) * 100)}%`
        : `${(bytes / MEBIBYTE).toFixed(1)} MiB`;
      stderr.write(`${lines.toLocaleString("en")} lines imported, ${part} read\n`);
    },
    log(text) {
      stderr.write(`${text}\n`);
    },
    stop() {},
  };
}

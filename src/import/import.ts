// `footfall import`: reads access logs in the combined format and brings their page views into a running server.
//
//   file ─► input (gunzip) ─► block (lines, hashes, events) ─► sender (one stream, sent again until it is through)
//                                   ▲                              │
//                                   └───────── import state ◄──────┘ what is finished
//
// While a block is being sent the next one is read, and no further ahead, so memory is bounded whatever the files'
// size. A block is remembered as finished only when the server acknowledged it; so an import that was interrupted, by
// whatever, is continued by running it again. When a file breaks off (a damaged gzip), its whole blocks before that
// are imported and the rest of it is not, nor are the files behind it.

import type { Readable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { pageFields } from "../enrich/page.ts";
import { type Block, BlockBuilder, type BlockOptions } from "./block.ts";
import { FileReport } from "./file-report.ts";
import { ImportError } from "./import-error.ts";
import { ImportState, importStatePath, type LogEnd } from "./import-state.ts";
import { checkFiles, type InputFile, readInput } from "./input.ts";
import { openKey } from "./key-file.ts";
import { type Progress, startProgress } from "./progress.ts";
import { GIVE_UP_AFTER_MS } from "./retry.ts";
import type { Selection } from "./selection.ts";
import { NOTHING_SENT, Sender } from "./sender.ts";
import { isOnThisMachine, serverUrl } from "./server-url.ts";
import { EMPTY_SUMMARY, formatSummary, type ImportSummary, withBlock } from "./summary.ts";
import { visitors } from "./visitor.ts";

export { KEY_FILE_NAME } from "./key-file.ts";

export interface ImportOptions {
  /** Of the server, such as "http://127.0.0.1:5000". */
  readonly url: string;
  readonly site: string;
  /** The host of the site's pages, so that links between them are no referrers; by default it is not known. */
  readonly hostname?: string;
  /** Their names, in order; "-" is stdin. */
  readonly files: readonly string[];
  /** The key of the user ids, made on first use. The import state stands beside it, with ".state" added. */
  readonly keyFile: string;
  /** Keep static files. */
  readonly includeAssets: boolean;
  /** Known bots count as people do. */
  readonly includeBots: boolean;
  /** Send also what earlier imports finished. */
  readonly again: boolean;
  /** For how long to try again when the server stays away, in milliseconds; a minute by default. */
  readonly giveUpAfterMs?: number;
}

export interface ImportIo {
  readonly stdin: Readable;
  /** Takes the summary. */
  readonly stdout: NodeJS.WritableStream;
  /** Takes progress and reports. */
  readonly stderr: NodeJS.WritableStream;
  /** Whether stderr is a terminal. */
  readonly isTTY: boolean;
  /** Ends the import, with an ImportError. */
  readonly signal: AbortSignal;
}

const MAX_SITE_BYTES = 128;
const CONTROL_CHARACTER = /\p{Cc}/u;

/**
 * Imports files; see above. Throws an ImportError for all that its user can mend. It is meant to be all that its
 * process does: it bounds the process's heap.
 */
export async function runImport(options: ImportOptions, io: ImportIo): Promise<ImportSummary> {
  keepYoungGenerationSmall();
  try {
    return await importFiles(options, io);
  } catch (error) {
    if (!io.signal.aborted) throw error;
    throw new ImportError("interrupted", "Interrupted; running the same command again continues", {
      cause: error,
    });
  }
}

/**
 * What a block leaves behind lives for a fraction of a second, which makes V8 enlarge the space for young objects up to
 * its limit. Kept at its first size, importing a million lines takes some 200 MB instead of 320, and no more time.
 */
function keepYoungGenerationSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}

async function importFiles(options: ImportOptions, io: ImportIo): Promise<ImportSummary> {
  const startedAt = performance.now();
  checkSite(options.site);
  checkHostname(options.hostname ?? "");
  const files = await checkFiles(options.files);
  const progress = startProgress({ stderr: io.stderr, isTTY: io.isTTY, totalBytes: totalSize(files) });
  let summary: ImportSummary;
  try {
    summary = await sendFiles(files, options, io, progress);
  } finally {
    progress.stop();
  }
  summary = { ...summary, elapsedMs: performance.now() - startedAt };
  io.stdout.write(formatSummary(summary));
  return summary;
}

async function sendFiles(
  files: readonly InputFile[],
  options: ImportOptions,
  io: ImportIo,
  progress: Progress,
): Promise<ImportSummary> {
  const isServerHere = isOnThisMachine(serverUrl(options.url));
  const sender = new Sender({
    url: options.url,
    signal: io.signal,
    log: progress.log,
    giveUpAfterMs: options.giveUpAfterMs ?? GIVE_UP_AFTER_MS,
  });
  try {
    if (!isServerHere) progress.log(whatIsNotSent(options));
    const key = await openKey(options.keyFile, progress.log);
    const state = await ImportState.open(importStatePath(options.keyFile));
    try {
      let logEnd = await sender.logEnd();
      const { lost } = await state.use(logEnd);
      if (lost > 0) progress.log(whatIsLost(lost, logEnd));
      const { includeAssets, includeBots } = options;
      const selection: Selection = { assets: includeAssets, bots: includeBots || isServerHere };
      const blockOptions: BlockOptions = {
        site: options.site,
        hostname: options.hostname ?? "",
        selection,
        visitor: visitors({ key, isServerHere, botsCount: includeBots }),
        finished: options.again ? () => [] : (end) => state.finished(end),
      };
      let summary = EMPTY_SUMMARY;
      for (const file of files) {
        const report = new FileReport(file.name, progress.log);
        await oneAhead(
          (signal) => blocksOf(file, blockOptions, io.stdin, AbortSignal.any([io.signal, signal]), progress),
          async (block) => {
            let result = NOTHING_SENT;
            if (block.events.length > 0) {
              result = await sender.send(block.events, logEnd);
              logEnd = await sender.logEnd(logEnd);
            }
            await state.record(block.ends, selection, logEnd.offset);
            report.add(block, result);
            progress.done(block.lines);
            summary = withBlock(summary, block, result);
          },
        );
        report.end();
      }
      return summary;
    } finally {
      await state.close();
    }
  } finally {
    sender.close();
  }
}

async function* blocksOf(
  file: InputFile,
  options: BlockOptions,
  stdin: Readable,
  signal: AbortSignal,
  progress: Progress,
): AsyncGenerator<Block> {
  const builder = new BlockBuilder(options);
  for await (const chunk of readInput(file, stdin, signal, (bytes) => progress.read(bytes))) {
    yield* builder.push(chunk);
  }
  yield* builder.end();
}

/**
 * Handles what `produce` makes, one after the other, while the next one is made. When handling fails, the signal
 * that `produce` was given is aborted, so that the failure does not have to wait for input.
 */
async function oneAhead<T>(
  produce: (signal: AbortSignal) => AsyncIterable<T>,
  handle: (item: T) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  let handling: Promise<void> = Promise.resolve();
  try {
    for await (const item of produce(failed.signal)) {
      await handling;
      handling = handle(item);
      handling.catch((error) => failed.abort(error));
    }
  } finally {
    // The failure of handling comes first: that of producing may follow from it.
    await handling;
  }
}

function checkSite(site: string): void {
  const bytes = Buffer.byteLength(site);
  if (bytes === 0 || bytes > MAX_SITE_BYTES || CONTROL_CHARACTER.test(site)) {
    throw new ImportError(
      "options",
      `A site is 1 to ${MAX_SITE_BYTES} bytes without control characters: ${site}`,
    );
  }
}

function checkHostname(hostname: string): void {
  const page = pageFields({ hostname, path: "", url: "", referrer: "" });
  if (typeof page === "string") throw new ImportError("options", `The ${page}: ${hostname}`);
}

function whatIsNotSent({ url, includeBots }: ImportOptions): string {
  const what =
    `${url} is not on this machine, so that user agents and addresses are not sent: no browser and no country ` +
    "is known";
  return includeBots ? what : `${what}, and bots are left out`;
}

function whatIsLost(blocks: number, { offset }: LogEnd): string {
  return (
    `The server's log ends at offset ${offset}, before ${blocks} blocks of lines that were imported: it was repaired, or ` +
    "an older backup was restored. They are sent again when the files have them"
  );
}

/** undefined if the size of one is not known. */
function totalSize(files: readonly InputFile[]): number | undefined {
  let total = 0;
  for (const { size } of files) {
    if (size === undefined) return undefined;
    total += size;
  }
  return total;
}

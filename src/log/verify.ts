// Reads a whole log and says all that is wrong with it: headers, CRCs and their chain, offsets and log id from segment
// to segment, the records of each frame, times of receipt, the durable mark. It changes nothing.
//
// Beside a running server it reads up to the durable mark. Without one (the caller can take the writer's lock) it reads
// to the end, and tells a torn write from damage as recovery does. After damage it goes on with the next segment.

import { pause } from "../pause.ts";
import { DURABLE_MARK_NAME, readDurableMark } from "./durable-mark.ts";
import type { LogFile, LogFiles } from "./files.ts";
import { type DurableMark, SEGMENT_HEADER_BYTES } from "./format.ts";
import { type Frame, FrameReader, isBad } from "./frame-reader.ts";
import type { ProcessLock } from "./lock.ts";
import { type CutPlace, type Problem, type Remedy, unreadable } from "./problem.ts";
import { decodeRecords, receivedAtMsOf } from "./records.ts";
import { listSegments } from "./segments.ts";
import {
  logIdOf,
  openUnlessPruned,
  readHeaders,
  restoredHeader,
  type StoredHeader,
  type WholeHeader,
} from "./stored-header.ts";
import { readTornWrite } from "./tail.ts";

/** A mark that is being overwritten is whole again far sooner than after so many attempts, with so many ms between. */
const MARK_ATTEMPTS = 5;
const MARK_RETRY_MS = 10;

export interface VerifyOptions {
  /** Takes the writer's lock, so that the bytes behind the mark hold still; undefined when a server has it. */
  readonly lock: () => ProcessLock | undefined;
  /** Is told how many bytes and records were read since it was told last. */
  readonly onRead?: ((bytes: number, records: number) => void) | undefined;
}

export interface LogReport {
  readonly logId: string | undefined;
  readonly segments: number;
  /** What was read and is whole. */
  readonly frames: number;
  readonly records: number;
  readonly bytes: number;
  /** The offset of the first record that the log has room for. */
  readonly firstOffset: number;
  /** The offset behind the last record that was read. */
  readonly endOffset: number;
  readonly mark: DurableMark | undefined;
  /** Whether it was read to its very end, and not just to the durable mark. */
  readonly isToEnd: boolean;
  /** A write that a crash cut short: the next start of the server takes it off. */
  readonly torn: { readonly file: string; readonly position: number; readonly bytes: number } | undefined;
  /** In the order of the log. */
  readonly problems: readonly Problem[];
}

/** Verifies the log. Rejects when a file cannot be opened, or read for another reason than a bad disk. */
export async function verifyLog(files: LogFiles, options: VerifyOptions): Promise<LogReport> {
  const mark = await steadyMark(files, options.lock);
  // Listed after the mark was read: the segment that it names is among them.
  const segments = await listSegments(files);
  const headers = await readHeaders(files, segments);
  const verification = new Verification(files, options, mark, headers);
  await verification.run();
  return verification.report();
}

/** The mark. Unless `lock` can be taken, a server may be just overwriting it, and it is read again. */
export async function steadyMark(
  files: LogFiles,
  lock: VerifyOptions["lock"],
): Promise<DurableMark | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const mark = await readDurableMark(files);
    if (mark || attempt === MARK_ATTEMPTS) return mark;
    const held = lock();
    held?.release();
    if (held) return undefined;
    await pause(MARK_RETRY_MS);
  }
}

/** A segment that is being read. */
interface Walk {
  readonly stored: StoredHeader;
  readonly file: LogFile;
  readonly frames: FrameReader;
}

class Verification {
  readonly #files: LogFiles;
  readonly #options: VerifyOptions;
  readonly #headers: readonly StoredHeader[];
  readonly #logId: string | undefined;
  readonly #problems: Problem[] = [];
  #mark: DurableMark | undefined;
  #isMarkSeen = false;
  #isToEnd = false;
  #torn: LogReport["torn"];
  #frames = 0;
  #records = 0;
  #bytes = 0;
  #endOffset = 0;
  /** Where the segment before ended; undefined when it is damaged, or there is none. */
  #before: (CutPlace & { readonly name: string }) | undefined;
  /** The time of receipt of the record before; undefined when it is not known. */
  #receivedAtMs: number | undefined;

  constructor(
    files: LogFiles,
    options: VerifyOptions,
    mark: DurableMark | undefined,
    headers: readonly StoredHeader[],
  ) {
    this.#files = files;
    this.#options = options;
    this.#mark = mark;
    this.#headers = headers;
    this.#logId = logIdOf(headers, mark);
  }

  report(): LogReport {
    return {
      ...{ logId: this.#logId, segments: this.#headers.length, firstOffset: this.#headers[0]?.segment ?? 0 },
      ...{ frames: this.#frames, records: this.#records, bytes: this.#bytes, endOffset: this.#endOffset },
      ...{ mark: this.#mark, isToEnd: this.#isToEnd, torn: this.#torn, problems: this.#problems },
    };
  }

  async run(): Promise<void> {
    if (this.#mark && this.#logId !== undefined && this.#mark.logId !== this.#logId) {
      this.#markProblem(`it is of log ${this.#mark.logId}, the segments of ${this.#logId}`);
      this.#mark = undefined;
    }
    for (const [index, stored] of this.#headers.entries()) {
      await this.#segment(stored, index === this.#headers.length - 1);
    }
    if (this.#headers.length === 0) this.#isToEnd = true;
    this.#checkMarkedSegment();
  }

  async #segment(stored: StoredHeader, isLast: boolean): Promise<void> {
    const { name, segment } = stored;
    const file = await openUnlessPruned(this.#files, segment);
    if (!file) {
      this.#before = undefined;
      return;
    }
    try {
      const header = await this.#header(stored, file);
      if (!header) {
        this.#before = undefined;
        this.#receivedAtMs = undefined;
        return;
      }
      this.#bytes += SEGMENT_HEADER_BYTES;
      this.#options.onRead?.(SEGMENT_HEADER_BYTES, 0);
      this.#checkFollows(segment);
      this.#received(name, 40, header.receivedBeforeMs);
      const start = { position: SEGMENT_HEADER_BYTES, nextOffset: segment, crc: header.crc };
      const walk = { stored, file, frames: new FrameReader(file, start) };
      this.#checkMark(walk);
      const problem = isLast
        ? await this.#lastSegment(walk)
        : await this.#framesUpTo(walk, await file.size());
      this.#endOffset = walk.frames.nextOffset;
      this.#ended(walk, problem);
    } finally {
      await file.close();
    }
  }

  /** The header that the segment has or, by all that is known, had. */
  async #header(stored: StoredHeader, file: LogFile): Promise<WholeHeader | undefined> {
    const { name, segment, header } = stored;
    const nothing = { segment, position: 0, offset: segment };
    if (typeof header === "string") {
      const receivedBeforeMs = segment === 0 ? 0 : this.#receivedAtMs;
      const restored = stored.isOtherVersion
        ? undefined
        : await restoredHeader(file, stored, { logId: this.#logId, receivedBeforeMs });
      if (restored) {
        this.#problem(name, 0, header, { kind: "header", segment, header: restored.bytes });
        return restored.header;
      }
      this.#problem(
        name,
        0,
        header,
        stored.isOtherVersion ? { kind: "version" } : { kind: "cut", at: nothing },
      );
      return undefined;
    }
    let problem: [number, string] | undefined;
    if (header.firstOffset !== segment) {
      problem = [32, `its header says that it begins at offset ${header.firstOffset}`];
    } else if (header.logId !== this.#logId) {
      problem = [16, `it belongs to log ${header.logId}, not to ${this.#logId}`];
    }
    if (!problem) return header;
    this.#problem(name, ...problem, { kind: "cut", at: nothing });
    return undefined;
  }

  #checkFollows(segment: number): void {
    const before = this.#before;
    if (!before || before.offset === segment) return;
    const problem = `it ends at offset ${before.offset}, and the next segment begins at ${segment}`;
    this.#problem(before.name, before.position, problem, { kind: "cut", at: before });
  }

  /** Reads the frames from where `walk` is to byte `limit`; what is wrong there, if they end before. */
  async #framesUpTo(walk: Walk, limit: number): Promise<string | undefined> {
    for (;;) {
      const found = await walk.frames.next(limit).catch(unreadable);
      if (!found) return undefined;
      if (isBad(found)) return found.problem;
      this.#frame(walk.stored, found);
      this.#checkMark(walk);
    }
  }

  #frame({ name, segment }: StoredHeader, frame: Frame): void {
    const { header, bytes, position } = frame;
    this.#frames += 1;
    this.#records += header.count;
    this.#bytes += bytes.length;
    this.#options.onRead?.(bytes.length, header.count);
    try {
      const records = decodeRecords(frame);
      if (records.length === 0) throw new Error("the frame has no record");
      const times = records.map(receivedAtMsOf);
      for (const time of times) if (time !== undefined) this.#received(name, position, time);
      if (times.includes(undefined)) {
        const problem = "it has a record that this version of Footfall does not know";
        this.#problem(name, position, problem, { kind: "version" });
      }
    } catch (error) {
      const problem = `the payload is not as many records as promised: ${error instanceof Error ? error.message : error}`;
      const at = { segment, position, offset: header.firstOffset };
      this.#problem(name, position, problem, { kind: "cut", at });
    }
  }

  /** Reads the segment that may be written just now: up to the mark, and further when nobody writes. */
  async #lastSegment(walk: Walk): Promise<string | undefined> {
    const { file, frames, stored } = walk;
    const marked = this.#mark?.segment === stored.segment ? this.#mark.position : SEGMENT_HEADER_BYTES;
    const problem = await this.#framesUpTo(walk, Math.min(marked, await file.size()));
    const lock = this.#options.lock();
    try {
      const last = (await listSegments(this.#files)).at(-1);
      // A segment that was added meanwhile shows that a server ran: up to the mark, all is read.
      if (!lock || last !== stored.segment) {
        if (!this.#mark && lock === undefined) {
          this.#markProblem(
            "it is missing or not whole, so that it is not known how far the log may be read",
          );
        }
        return problem;
      }
      this.#isToEnd = true;
      await this.#readMarkAgain(walk);
      const rest = await this.#framesUpTo(walk, await file.size());
      const isDurable = this.#mark?.segment === stored.segment && frames.position < this.#mark.position;
      const torn =
        rest !== undefined && !isDurable
          ? await readTornWrite(file, frames.position).catch(unreadable)
          : undefined;
      if (!Buffer.isBuffer(torn)) return rest;
      this.#torn = { file: stored.name, position: frames.position, bytes: torn.length };
      return undefined;
    } finally {
      lock?.release();
    }
  }

  /** The mark that the last writer left; it may have written since verification began. */
  async #readMarkAgain(walk: Walk): Promise<void> {
    const mark = await readDurableMark(this.#files);
    if (mark?.logId !== this.#logId || mark?.nextOffset === this.#mark?.nextOffset) return;
    this.#mark = mark;
    this.#isMarkSeen = false;
    this.#checkMark(walk);
  }

  /** Notes where a segment ended, and what is wrong there. */
  #ended({ stored, frames }: Walk, problem: string | undefined): void {
    const at = { segment: stored.segment, position: frames.position, offset: frames.nextOffset };
    if (problem !== undefined) this.#problem(stored.name, at.position, problem, { kind: "cut", at });
    const mark = this.#mark;
    if (problem === undefined && mark?.segment === stored.segment && !this.#isMarkSeen) {
      this.#isMarkSeen = true;
      this.#markProblem(
        mark.nextOffset > at.offset
          ? missing(mark, at.offset)
          : `it names byte ${mark.position} of ${stored.name}, where no frame ends`,
      );
    }
    this.#before = problem === undefined ? { ...at, name: stored.name } : undefined;
    if (problem !== undefined) this.#receivedAtMs = undefined;
  }

  /** Holds the mark against the place that `walk` has come to. */
  #checkMark({ stored, frames }: Walk): void {
    const mark = this.#mark;
    if (mark?.segment !== stored.segment || mark.position !== frames.position) return;
    if (this.#isMarkSeen) return;
    this.#isMarkSeen = true;
    if (mark.nextOffset === frames.nextOffset && mark.crc === frames.crc) return;
    this.#markProblem(`it does not fit byte ${mark.position} of ${stored.name}, which it names`);
  }

  /** Whether there is the segment that the mark names. */
  #checkMarkedSegment(): void {
    const mark = this.#mark;
    if (!mark || this.#headers.some(({ segment }) => segment === mark.segment)) return;
    const last = this.#headers.at(-1);
    if (!last) this.#markProblem(`the log's segments are gone, and ${mark.nextOffset} events were stored`);
    else if (mark.segment < last.segment) {
      this.#markProblem(`it names a segment that begins at offset ${mark.segment}, and there is none`);
    } else if (this.#before) this.#markProblem(missing(mark, this.#before.offset));
  }

  #received(file: string, position: number, receivedAtMs: number): void {
    if (this.#receivedAtMs !== undefined && receivedAtMs < this.#receivedAtMs) {
      const problem = `the time of receipt goes back from ${this.#receivedAtMs} to ${receivedAtMs}`;
      this.#problem(file, position, problem, { kind: "none" });
    }
    this.#receivedAtMs = receivedAtMs;
  }

  #markProblem(problem: string): void {
    this.#problem(DURABLE_MARK_NAME, 0, problem, { kind: "mark" });
  }

  #problem(file: string, position: number, problem: string, remedy: Remedy): void {
    this.#problems.push({ file, position, problem, remedy });
  }
}

function missing(mark: DurableMark, end: number): string {
  return (
    `${mark.nextOffset - end} acknowledged events are missing ` +
    `(the log ends at offset ${end}, and was on disk up to ${mark.nextOffset})`
  );
}

// Cuts the lines of one file into blocks, and decides which of a block's events are to be sent.
//
// Block k has the lines k * BLOCK_LINES + 1 to (k + 1) * BLOCK_LINES of its file, the last one fewer. It is sent as
// one stream and remembered as one entry of the import state. The entry names the running hash at the block's end
// and the selection (which kinds of hits) that was finished up to there. When a later run meets that hash, what the
// selection has of the block so far is done, and only the rest is sent:
//
//                             remembered: end, pages only
//   first run    |■ □ ■ ■ □ ■ |                      ■ page  □ asset or bot
//   grown file   |· · · · · · |□ ■ ■ ■               sends the ■ behind the end
//   with assets  |· □ · · □ · |□ ■ ■ ■               sends all but the ·
//
// The invariant: each line counts in exactly one figure of Tally.

import { create } from "@bufbuild/protobuf";
import { type IngestEventRequest, IngestEventRequestSchema } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { accessLineReader, type Hit } from "./access-line.ts";
import { HashedLines } from "./hashed-lines.ts";
import { detached } from "./memo.ts";
import { type HitKind, type Selection, selects } from "./selection.ts";
import { isStaticFile } from "./static-file.ts";
import type { Visitor } from "./visitor.ts";

/** A stream of this many events is sent within a fraction of a second, and costs little when it is sent again. */
export const BLOCK_LINES = 10_000;

/** What the server takes. A longer path is not sent: it would blow up the message, and the block in memory. */
const MAX_PATH_BYTES = 2_048;

const PAGE_VIEW = "page_view";

/** A line by its number in the file, from 1, and what is wrong with it. */
export interface LineProblem {
  readonly line: number;
  readonly reason: string;
}

/** What became of the lines of a block; together they are all of its lines. */
export interface Tally {
  /** Well-formed lines that are no successful GET. */
  notPages: number;
  /** Static files left out. */
  assets: number;
  /** Hits of known bots left out. */
  bots: number;
  /** Sent by an earlier run. */
  alreadyImported: number;
  malformed: LineProblem[];
  /** Events that the server would not take, and were not sent. */
  rejected: LineProblem[];
  /** To be sent. */
  events: BlockEvent[];
}

export interface BlockEvent {
  readonly line: number;
  /** Whether the server is told that it is of a known bot. */
  readonly flagged: boolean;
  readonly event: IngestEventRequest;
}

export interface Block extends Readonly<Tally> {
  readonly lines: number;
  /**
   * The running hashes to remember once the block is sent. It is one, or two when the last line has no line ending:
   * that line may still be being written, and then the hash behind it will never be met again.
   */
  readonly ends: readonly string[];
}

export interface BlockOptions {
  readonly site: string;
  /** The host of the site's pages; empty when it is not known. */
  readonly hostname: string;
  readonly selection: Selection;
  /** Who made a hit. */
  readonly visitor: (hit: Hit) => Visitor;
  /** The selections that an earlier run finished up to the line with this running hash. */
  readonly finished: (end: string) => readonly Selection[];
}

interface Candidate extends HitKind, BlockEvent {}

export class BlockBuilder {
  readonly #options: BlockOptions;
  readonly #lines: HashedLines;
  readonly #readLine = accessLineReader();
  #lineNumber = 0;
  #blockLines = 0;
  /** The running hash before the last line, when that has no line ending. */
  #endBefore: string | undefined;
  #tally = emptyTally();
  #candidates: Candidate[] = [];
  #complete: Block[] = [];

  constructor(options: BlockOptions) {
    this.#options = options;
    this.#lines = new HashedLines(options.site, (line, ended) => this.#take(line, ended));
  }

  /** Reads on; the blocks that are complete with `chunk`. */
  push(chunk: Buffer): Block[] {
    this.#lines.push(chunk);
    return this.#takeComplete();
  }

  /** Says that the file is over; its last block, if there is one. */
  end(): Block[] {
    this.#endBefore = this.#lines.hash();
    this.#lines.end();
    if (this.#blockLines > 0) this.#completeBlock();
    return this.#takeComplete();
  }

  #take(bytes: Buffer | undefined, ended: boolean): void {
    this.#lineNumber++;
    this.#blockLines++;
    const line = this.#readLine(bytes, ended);
    if (line.kind === "hit") this.#takeHit(line);
    else if (line.kind === "other") this.#tally.notPages++;
    else this.#tally.malformed.push({ line: this.#lineNumber, reason: line.reason });
    this.#skipFinished(this.#options.finished(this.#lines.hash()));
    if (this.#blockLines === BLOCK_LINES) this.#completeBlock();
  }

  #takeHit(hit: Hit): void {
    const { isBot, userId, userAgent, clientAddress } = this.#options.visitor(hit);
    const kind = { asset: isStaticFile(hit.path), bot: isBot };
    if (!selects(this.#options.selection, kind)) {
      if (kind.asset && !this.#options.selection.assets) this.#tally.assets++;
      else this.#tally.bots++;
      return;
    }
    if (Buffer.byteLength(hit.path) > MAX_PATH_BYTES) {
      const reason = `path is longer than ${MAX_PATH_BYTES} bytes`;
      this.#tally.rejected.push({ line: this.#lineNumber, reason });
      return;
    }
    const event = create(IngestEventRequestSchema, {
      siteId: this.#options.site,
      eventType: PAGE_VIEW,
      path: detached(hit.path),
      userId,
      timestamp: hit.timestamp,
      eventId: this.#lines.eventId(),
      url: hit.url === "" ? "" : detached(hit.url),
      referrer: hit.referrer,
      hostname: this.#options.hostname,
      userAgent,
      clientAddress,
    });
    const flagged = isBot && userAgent !== "";
    this.#candidates.push({ ...kind, line: this.#lineNumber, flagged, event });
  }

  /** An earlier run finished `selections` from the block's beginning up to this line. */
  #skipFinished(selections: readonly Selection[]): void {
    if (selections.length === 0) return;
    const before = this.#candidates.length;
    this.#candidates = this.#candidates.filter(
      (hit) => !selections.some((finished) => selects(finished, hit)),
    );
    this.#tally.alreadyImported += before - this.#candidates.length;
  }

  #completeBlock(): void {
    const end = this.#lines.hash();
    this.#tally.events = this.#candidates;
    this.#complete.push({
      ...this.#tally,
      lines: this.#blockLines,
      ends: [...new Set([this.#endBefore ?? end, end])],
    });
    this.#blockLines = 0;
    this.#tally = emptyTally();
    this.#candidates = [];
  }

  #takeComplete(): Block[] {
    const complete = this.#complete;
    this.#complete = [];
    return complete;
  }
}

function emptyTally(): Tally {
  return { notPages: 0, assets: 0, bots: 0, alreadyImported: 0, malformed: [], rejected: [], events: [] };
}

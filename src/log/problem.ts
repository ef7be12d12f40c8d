// What `footfall log verify` finds wrong, and what `footfall log repair` can do about it.

export interface Problem {
  readonly file: string;
  /** The byte in the file. */
  readonly position: number;
  /** What is wrong, for operators. */
  readonly problem: string;
  readonly remedy: Remedy;
}

export type Remedy =
  /** Nothing is to be read behind this place: cut the log off here. */
  | { readonly kind: "cut"; readonly at: CutPlace }
  /** The segment's header is known from elsewhere: write it again. */
  | { readonly kind: "header"; readonly segment: number; readonly header: Buffer }
  /** The durable mark does not agree with the segments: make a new one. */
  | { readonly kind: "mark" }
  /** Another version of Footfall wrote this: nothing may be changed. */
  | { readonly kind: "version" }
  /** Against the rules, but it can be read: leave it. */
  | { readonly kind: "none" };

export interface CutPlace {
  /** First offset of the segment that is cut. */
  readonly segment: number;
  /** The byte in it where the last whole frame ends; 0 when nothing of the segment can be kept. */
  readonly position: number;
  /** The offset that the next record will get. */
  readonly offset: number;
}

/** A read of the disk failed: damage of another kind. Anything else is thrown. */
export function unreadable(error: unknown): { readonly problem: string } {
  if (error instanceof Error && "code" in error && error.code === "EIO") {
    return { problem: "the disk cannot read it (EIO)" };
  }
  throw error;
}

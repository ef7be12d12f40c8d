// What a load generator is asked for, and what it found.

export interface LoadRequest {
  /** HTTP/2 is in clear text, without an upgrade. */
  readonly protocol: "http1" | "http2";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The same request again and again, `connections` of them at a time. */
export interface Load {
  readonly url: string;
  readonly request: LoadRequest;
  readonly connections: number;
  readonly seconds: number;
}

export interface LoadResult {
  /** Success answers. There were no others, or it fails. */
  readonly accepted: number;
  readonly perSecond: number;
  /** How many requests it may have left unanswered at its end: they may be stored, too. */
  readonly unanswered: number;
  /** What share of a core it took. */
  readonly cpuShare: number;
}

/** A program that makes load. */
export interface LoadTool {
  readonly name: string;
  /** `bodyFile` has the body of the request, and `directory` is for files of its own. */
  command(load: Load, bodyFile: string, directory: string): readonly string[];
  /** Reads what it printed. Throws when a request failed. */
  read(output: string): { readonly accepted: number; readonly perSecond: number };
}

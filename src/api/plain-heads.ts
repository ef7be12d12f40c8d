// The heads of the requests of a session of HTTP/2, decoded and judged. Most are sent again and again: what is known of
// the last one is most of what has to be known of the next.

import { type HeaderField, HpackDecoder } from "../http2/hpack.ts";
import { PlainAnswer } from "./plain-answer.ts";
import { plainFieldsOf } from "./plain-fields.ts";
import type { PlainTaker, TakerOf } from "./plain-taker.ts";

/** The head of plain requests. */
export interface PlainHead {
  readonly fields: readonly HeaderField[];
  readonly taker: PlainTaker;
  readonly answer: PlainAnswer;
  /** The bytes of the body, where the client says how many they are. */
  readonly bodyLength: number | undefined;
}

export interface Decoded {
  readonly fields: readonly HeaderField[];
  /** Undefined when they are not the head of a plain request. */
  readonly head: PlainHead | undefined;
}

interface Known extends Decoded {
  readonly block: Buffer;
  /** Of the decoder, when the block was decoded. */
  readonly changes: number | undefined;
}

export class PlainHeads {
  readonly #decoder: HpackDecoder;
  readonly #takerOf: TakerOf;
  readonly #peer: string | undefined;
  #known: Known | undefined;

  /** `maxListBytes` is for the fields of a block (RFC 7541, 4.1); `peer` is the address of the client. */
  constructor(maxListBytes: number, takerOf: TakerOf, peer: string | undefined) {
    this.#decoder = new HpackDecoder(maxListBytes);
    this.#takerOf = takerOf;
    this.#peer = peer;
  }

  /**
   * Decodes a header block: each one of the session, in their order. Undefined when it has more fields than are taken.
   * Throws an HpackError.
   */
  decode(block: Buffer): Decoded | undefined {
    const known = this.#known;
    const { changes } = this.#decoder;
    if (known?.changes === changes && known.block.equals(block)) return known;
    const fields = this.#decoder.decode(block);
    if (!fields) return undefined;
    const head = known && areSame(known.fields, fields) ? known.head : this.#headOf(fields);
    // A block that changes the table means something else the next time; its fields are known again then.
    const isStable = this.#decoder.changes === changes;
    const decoded = { block: Buffer.from(block), changes: isStable ? changes : undefined, fields, head };
    this.#known = decoded;
    return decoded;
  }

  #headOf(fields: readonly HeaderField[]): PlainHead | undefined {
    const plain = plainFieldsOf(fields);
    const taker = plain && this.#takerOf(plain, this.#peer);
    return taker && { fields, taker, answer: new PlainAnswer(taker), bodyLength: plain.bodyLength };
  }
}

/** Whether they are the same objects: fields of the decoder's tables are. */
function areSame(some: readonly HeaderField[], others: readonly HeaderField[]): boolean {
  return some.length === others.length && some.every((field, index) => field === others[index]);
}

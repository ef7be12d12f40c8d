// Arrays that one question leaves to the next: memory that is new to the process costs more than to fill it with zeros, and
// what is left behind makes V8 collect garbage while the next question is answered.

/** What is kept at most, in bytes; the rest is left to the garbage collector. */
const MAX_BYTES = 32 * 1024 * 1024;

const spare = new Map<number, Uint32Array<ArrayBuffer>[]>();
let spareBytes = 0;

/** An array of zeros. There are few different lengths, such as powers of two. */
export function takeZeros(length: number): Uint32Array<ArrayBuffer> {
  const array = spare.get(length)?.pop();
  if (!array) return new Uint32Array(length);
  spareBytes -= array.byteLength;
  return array.fill(0);
}

/** Takes back an array of takeZeros(), which must not be used any more, nor given back again. */
export function giveBack(array: Uint32Array<ArrayBuffer>): void {
  if (array.length === 0 || array.byteLength > MAX_BYTES) return;
  if (spareBytes + array.byteLength > MAX_BYTES) {
    // What is used now is more likely to be used next.
    spare.clear();
    spareBytes = 0;
  }
  spareBytes += array.byteLength;
  const arrays = spare.get(array.length);
  if (arrays) arrays.push(array);
  else spare.set(array.length, [array]);
}

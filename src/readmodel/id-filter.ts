// What tells of most ids that a run does not have them: a Bloom filter in blocks of 64 bytes, the line of a core's cache, so that to
// ask costs one look into memory (F. Putze, P. Sanders, J. Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007).
// With 11 bits for each id and 6 of a block set by one, it is wrong for about one in a hundred.

const BITS_OF_ID = 11;
const BLOCK_WORDS = 16;
const BLOCK_BITS = 512;
/** To say which bit of a block. */
const PLACE_BITS = 9;
/** Of each of two words. */
const PLACES_OF_WORD = 3;
const WORDS = 2 ** 32;

/** A filter for up to so many ids. */
export function makeFilter(ids: number): Uint32Array<ArrayBuffer> {
  return new Uint32Array(BLOCK_WORDS * Math.ceil(Math.max(1, ids) / (BLOCK_BITS / BITS_OF_ID)));
}

/** Adds the hash at `word` of `hashes`, of four words. The first is what it is sorted by, and the others say the bits. */
export function addToFilter(filter: Uint32Array, hashes: Uint32Array, word: number): void {
  const block = blockOf(filter, hashes[word + 1] ?? 0);
  for (let next = 2; next < 4; next += 1) {
    let places = hashes[word + next] ?? 0;
    for (let count = 0; count < PLACES_OF_WORD; count += 1, places >>>= PLACE_BITS) {
      const at = block + ((places >>> 5) & (BLOCK_WORDS - 1));
      filter[at] = (filter[at] ?? 0) | (1 << (places & 31));
    }
  }
}

/** Whether the hash at `word` of `hashes` may have been added: false when it was not. */
export function mayHave(filter: Uint32Array, hashes: Uint32Array, word: number): boolean {
  const block = blockOf(filter, hashes[word + 1] ?? 0);
  for (let next = 2; next < 4; next += 1) {
    let places = hashes[word + next] ?? 0;
    for (let count = 0; count < PLACES_OF_WORD; count += 1, places >>>= PLACE_BITS) {
      const at = block + ((places >>> 5) & (BLOCK_WORDS - 1));
      if (((filter[at] ?? 0) & (1 << (places & 31))) === 0) return false;
    }
  }
  return true;
}

/** Where the block is that belongs to a word of a hash. */
function blockOf(filter: Uint32Array, word: number): number {
  return BLOCK_WORDS * Math.floor((word / WORDS) * (filter.length / BLOCK_WORDS));
}

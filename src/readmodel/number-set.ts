// A set of whole numbers from 0 on, many of which are near each other: a bit for each, in pages that are made when there is one.

/** How many bits a page has. */
const PAGE_BITS = 1024;

export class NumberSet {
  readonly #pages = new Map<number, Uint8Array>();

  /** How many pages it has, each of which takes some 900 bytes in memory. */
  get pages(): number {
    return this.#pages.size;
  }

  /** Whether `number` was not in it; now it is. */
  add(number: number): boolean {
    const place = Math.floor(number / PAGE_BITS);
    const page = this.#pages.get(place) ?? this.#addPage(place);
    const at = (number % PAGE_BITS) >>> 3;
    const bits = page[at] ?? 0;
    const bit = 1 << (number & 7);
    page[at] = bits | bit;
    return (bits & bit) === 0;
  }

  #addPage(place: number): Uint8Array {
    const page = new Uint8Array(PAGE_BITS / 8);
    this.#pages.set(place, page);
    return page;
  }
}

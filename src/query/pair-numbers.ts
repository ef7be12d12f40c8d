// Numbers distinct pairs of whole numbers below 2^32 in the order in which they come, from 0 on: a hash table with open
// addressing, of which the places are at most half full, and the pairs beside it.

import { widened } from "../columns/widened.ts";
import { hashOf } from "./hash.ts";

const FIRST_ROOM = 32_768;

export class PairNumbers {
  /** By number. */
  #firsts = new Uint32Array(FIRST_ROOM);
  #seconds = new Uint32Array(FIRST_ROOM);
  /** The number of the pair that is in a place, and one more; 0 in an empty one. */
  #places = new Uint32Array(2 * FIRST_ROOM);
  #size = 0;

  /** How many pairs there are. */
  get size(): number {
    return this.#size;
  }

  numberOf(first: number, second: number): number {
    const known = this.#places[this.#placeOf(first, second)] ?? 0;
    if (known !== 0) return known - 1;
    const number = this.#size;
    if (number === this.#firsts.length) this.#grow();
    this.#firsts[number] = first;
    this.#seconds[number] = second;
    this.#size += 1;
    this.#places[this.#placeOf(first, second)] = this.#size;
    return number;
  }

  first(number: number): number {
    return this.#firsts[number] ?? 0;
  }

  second(number: number): number {
    return this.#seconds[number] ?? 0;
  }

  /** Where the pair is, or would be. */
  #placeOf(first: number, second: number): number {
    const [firsts, seconds, places] = [this.#firsts, this.#seconds, this.#places];
    const last = places.length - 1;
    let place = hashOf(first, second) & last;
    for (let known = places[place] ?? 0; known !== 0; known = places[place] ?? 0) {
      if (firsts[known - 1] === first && seconds[known - 1] === second) break;
      place = (place + 1) & last;
    }
    return place;
  }

  #grow(): void {
    const room = 2 * this.#firsts.length;
    this.#firsts = widened(this.#firsts, room);
    this.#seconds = widened(this.#seconds, room);
    this.#places = new Uint32Array(2 * room);
    for (let number = 0; number < this.#size; number += 1) {
      this.#places[this.#placeOf(this.first(number), this.second(number))] = number + 1;
    }
  }
}

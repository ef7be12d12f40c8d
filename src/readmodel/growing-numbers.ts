// A column of numbers of which the length is not known before. It is not on V8's heap, where every number that is kept for a
// batch would be copied time and again.

const FIRST_ROOM = 64;

export class GrowingNumbers {
  #values = new Float64Array(FIRST_ROOM);
  #length = 0;

  push(value: number): void {
    if (this.#length === this.#values.length) this.#grow();
    this.#values[this.#length] = value;
    this.#length += 1;
  }

  /** A copy of what was pushed. */
  values(): Float64Array<ArrayBuffer> {
    return this.#values.slice(0, this.#length);
  }

  #grow(): void {
    const wide = new Float64Array(this.#values.length * 2);
    wide.set(this.#values);
    this.#values = wide;
  }
}

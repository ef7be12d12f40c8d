// Arrays that are used chunk after chunk: to allocate them each time takes longer than to fill them, and leaves garbage.

/** `array`, or a new one that has room for `length`. What is in it is of no meaning. */
export function scratch(array: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  return array.length >= length ? array : new Uint32Array(length);
}

// Arrays that grow.

/** A copy of `values` with room for `room` of them; zeros behind. */
export function widened(values: ArrayLike<number>, room: number): Uint32Array<ArrayBuffer> {
  const wide = new Uint32Array(room);
  wide.set(values);
  return wide;
}

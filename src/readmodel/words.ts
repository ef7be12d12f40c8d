/** Words as a blob has them, little-endian; copied, as they must be aligned in memory. */
export function toWords(bytes: Uint8Array): Uint32Array<ArrayBuffer> {
  return new Uint32Array(new Uint8Array(bytes).buffer);
}

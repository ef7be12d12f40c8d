// The bytes of HTTP/2, for clients that do not keep to it.

export const HTTP2_PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** The bytes of a frame of HTTP/2 (RFC 9113, 4.1). */
export function http2Frame(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.byteLength, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, payload]);
}

/** A header field without indexing and Huffman code (RFC 7541, 6.2.2). */
export function http2Field(name: string, value: string): Buffer {
  const lengthAndText = (part: string) => Buffer.concat([Buffer.of(part.length), Buffer.from(part)]);
  return Buffer.concat([Buffer.of(0), lengthAndText(name), lengthAndText(value)]);
}

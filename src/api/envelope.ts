// The envelopes in which gRPC and gRPC-Web have messages: a byte of flags, the length in four bytes, and the message.

export const ENVELOPE_BYTES = 5;
/** The trailers of a success answer: of gRPC as header fields, of gRPC-Web as an envelope with the flag for trailers. */
export const GRPC_OK = { "grpc-status": "0" };
export const GRPC_WEB_OK = Buffer.from("\x80\0\0\0\x10grpc-status: 0\r\n", "latin1");

/** The one uncompressed message in the body of a unary call; undefined when there is anything else. */
export function messageOfEnvelope(body: Buffer): Buffer | undefined {
  const isOne =
    body.length >= ENVELOPE_BYTES && body[0] === 0 && body.readUInt32BE(1) === body.length - ENVELOPE_BYTES;
  return isOne ? body.subarray(ENVELOPE_BYTES) : undefined;
}

/** Puts an uncompressed message that is all of `bytes` but the first five, into its envelope, which is those. */
export function closeEnvelope(bytes: Buffer): Buffer {
  bytes.writeUInt8(0, 0);
  bytes.writeUInt32BE(bytes.length - ENVELOPE_BYTES, 1);
  return bytes;
}

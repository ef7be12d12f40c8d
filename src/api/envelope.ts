// The envelopes in which gRPC and gRPC-Web have messages: a byte of flags, the length in four bytes, and the message.

export const ENVELOPE_BYTES = 5;
/** The trailers of a success answer: of gRPC as header fields, of gRPC-Web as an envelope with the flag for trailers. */
export const GRPC_OK = { "grpc-status": "0" };
export const GRPC_WEB_OK = "\x80\0\0\0\x10grpc-status: 0\r\n";

/** The one uncompressed message in the body of a unary call; undefined when there is anything else. */
export function messageOfEnvelope(body: Buffer): Buffer | undefined {
  const isOne =
    body.length >= ENVELOPE_BYTES && body[0] === 0 && body.readUInt32BE(1) === body.length - ENVELOPE_BYTES;
  return isOne ? body.subarray(ENVELOPE_BYTES) : undefined;
}

/** A message in its envelope; both are texts with a character for each byte. The message has less than 256 bytes. */
export function envelopeOf(message: string): string {
  return `\0\0\0\0${String.fromCharCode(message.length)}${message}`;
}

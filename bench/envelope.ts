// A message as gRPC and Connect's streams send it: a flag, its length in 4 bytes, and the message, not compressed.

export const ENVELOPE_BYTES = 5;

export function enveloped(message: Uint8Array): Buffer {
  const envelope = Buffer.alloc(ENVELOPE_BYTES);
  envelope.writeUInt32BE(message.length, 1);
  return Buffer.concat([envelope, message]);
}

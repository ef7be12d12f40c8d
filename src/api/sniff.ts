// Tells HTTP/2 with prior knowledge from HTTP/1.1 by the first bytes of a connection, which HTTP/2 clients begin with
// a fixed preface (RFC 9113, 3.4). What was read is put back, so the protocol's own handler finds it all.

import type { Socket } from "node:net";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/**
 * Calls back once, when it is clear what the client speaks. A client that says nothing decisive for `timeoutMs`, or
 * goes away, is let go.
 */
export function sniffProtocol(
  socket: Socket,
  timeoutMs: number,
  onKnown: (protocol: "http1" | "http2") => void,
): void {
  let seen = Buffer.alloc(0);
  const giveUp = () => socket.destroy();
  const timer = setTimeout(giveUp, timeoutMs);
  // Without a listener an error of a connection that nobody has taken over yet would end the process.
  socket.on("error", giveUp);
  socket.on("end", giveUp);
  socket.on("close", stop);
  socket.on("readable", onReadable);

  function onReadable(): void {
    for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
      seen = Buffer.concat([seen, chunk]);
    }
    const length = Math.min(seen.length, PREFACE.length);
    const isPreface = seen.subarray(0, length).equals(PREFACE.subarray(0, length));
    if (isPreface && length < PREFACE.length) return;
    stop();
    socket.unshift(seen);
    onKnown(isPreface ? "http2" : "http1");
  }

  function stop(): void {
    clearTimeout(timer);
    socket.off("error", giveUp);
    socket.off("end", giveUp);
    socket.off("close", stop);
    socket.off("readable", onReadable);
  }
}

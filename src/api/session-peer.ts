// Who is at the other end of a session of HTTP/2, whose own socket is not the connection.

import type { Http2Session } from "node:http2";

const peers = new WeakMap<Http2Session, string>();

/** The address of the peer of a session, until that is over. */
export function peerOf(session: Http2Session | undefined): string | undefined {
  return session && !session.destroyed ? peers.get(session) : undefined;
}

export function setPeer(session: Http2Session, address: string): void {
  peers.set(session, address);
}

// Whose a session of HTTP/2 is, whose own socket is not the connection.

import type { Http2Session } from "node:http2";
import type { Socket } from "node:net";

interface Peer {
  readonly connection: Socket;
  /** The connection forgets it when it is closed. */
  readonly address: string;
}

const peers = new WeakMap<Http2Session, Peer>();

/** The address of the peer of a session, until that is over. */
export function peerOf(session: Http2Session | undefined): string | undefined {
  return peerOfOpen(session)?.address;
}

/** The connection of a session, until that is over. */
export function connectionOf(session: Http2Session | undefined): Socket | undefined {
  return peerOfOpen(session)?.connection;
}

export function setPeer(session: Http2Session, connection: Socket): void {
  peers.set(session, { connection, address: connection.remoteAddress ?? "" });
}

function peerOfOpen(session: Http2Session | undefined): Peer | undefined {
  return session && !session.destroyed ? peers.get(session) : undefined;
}

// Where a request comes from, as its connection and its headers tell: a function of both, for all protocols.
//
// Anybody can send an X-Forwarded-For. So it is read from its end, where the proxies that are trusted have written, up to
// the first address that is not of one of them, and not at all when it comes from anybody else.

import type { IncomingHttpHeaders } from "node:http";
import { Http2ServerRequest } from "node:http2";
import type { BlockList } from "node:net";
import { createContextKey } from "@connectrpc/connect";
import { normalAddress } from "../ingest/address.ts";
import { headOfAgent, type Origin, UNKNOWN_ORIGIN } from "../ingest/origin.ts";
import { addressRanges, isWithin } from "./address-ranges.ts";
import type { Request } from "./node-http.ts";
import { peerOf } from "./session-peer.ts";

export interface OriginOptions {
  /** The proxies that are believed, as addressRanges reads them. */
  readonly trustProxy?: readonly string[] | undefined;
  /** Whether it matters that a sender asks not to be tracked. */
  readonly respectGpc?: boolean | undefined;
}

/** Where an RPC comes from, among the values of its context. */
export const ORIGIN = createContextKey<Origin>(UNKNOWN_ORIGIN, { description: "the origin of the request" });

/** The answer to an event of a sender that asks not to be tracked. */
export const NOT_STORED = "Event not stored: the sender asks not to be tracked";

/** What makes a request one that was passed on. */
const FORWARDED = ["x-forwarded-for", "forwarded", "x-real-ip", "via"] as const;
/** By which browsers say that they load a page ahead of time: the standard's, and older ones. */
const PURPOSES = ["sec-purpose", "purpose", "x-purpose", "x-moz"] as const;
const AHEAD_OF_TIME = /\b(?:prefetch|prerender|preview)\b/i;
/** A port behind an address, as some proxies write it. */
const WITH_PORT = /^(?:\[([^\]]+)\]|([\d.]+))(?::\d+)?$/;
/** How many peers are remembered; all are forgotten when there are more, which bounds the memory. */
const MAX_PEERS = 10_000;

const LOOPBACK = addressRanges(["loopback"]);

/** The other end of a connection. */
interface Peer {
  readonly address: string;
  readonly isLoopback: boolean;
  readonly isTrusted: boolean;
}

const UNKNOWN_PEER: Peer = { address: "", isLoopback: false, isTrusted: false };

export class Origins {
  readonly #proxies: BlockList;
  readonly #respectGpc: boolean;
  readonly #peers = new Map<string, Peer>();

  constructor({ trustProxy = [], respectGpc = false }: OriginOptions = {}) {
    this.#proxies = addressRanges(trustProxy);
    this.#respectGpc = respectGpc;
  }

  /** The origin of a request, while it is being answered. */
  ofRequest(req: Request): Origin {
    const isHttp2 = req instanceof Http2ServerRequest;
    return this.of(isHttp2 ? peerOf(req.stream.session) : req.socket.remoteAddress, req.headers);
  }

  /** The origin of a request with `headers` over a connection with `peer`, its address. */
  of(peer: string | undefined, headers: IncomingHttpHeaders): Origin {
    const { address, isLoopback, isTrusted } = this.#peer(peer);
    const { "user-agent": userAgent = "", "x-forwarded-for": forwardedFor } = headers;
    return {
      address:
        isTrusted && forwardedFor !== undefined ? this.#clientOf(String(forwardedFor), address) : address,
      userAgent: headOfAgent(userAgent),
      isPrefetch: PURPOSES.some(
        (name) => headers[name] !== undefined && AHEAD_OF_TIME.test(String(headers[name])),
      ),
      isLocal: isLoopback && FORWARDED.every((name) => headers[name] === undefined),
      refusesTracking: this.#respectGpc && (headers["sec-gpc"] === "1" || headers.dnt === "1"),
    };
  }

  /** The last address in `forwardedFor` that is not a trusted proxy's; the first one when all are. */
  #clientOf(forwardedFor: string, peer: string): string {
    let client = peer;
    for (const entry of forwardedFor.split(",").toReversed()) {
      const text = entry.trim();
      const [, inBrackets, withoutPort = text] = WITH_PORT.exec(text) ?? [];
      const address = normalAddress(inBrackets ?? withoutPort);
      // A proxy that hides its client, or something that is not one.
      if (address === undefined) return "";
      client = address;
      if (!isWithin(address, this.#proxies)) return client;
    }
    return client;
  }

  #peer(text: string | undefined): Peer {
    if (text === undefined) return UNKNOWN_PEER;
    const known = this.#peers.get(text);
    if (known) return known;
    const address = normalAddress(text) ?? "";
    const isTrusted = isWithin(address, this.#proxies);
    const peer = { address, isLoopback: isWithin(address, LOOPBACK), isTrusted };
    if (this.#peers.size >= MAX_PEERS) this.#peers.clear();
    this.#peers.set(text, peer);
    return peer;
  }
}

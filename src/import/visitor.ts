// Who made a hit, as far as the server may be told. It believes what is said of user agents and addresses only when that
// is said on its own machine; it finds out browser, country and bots by them, and stores neither.
//
//                    server on this machine            another server
//   people           user id, user agent, address      user id
//   bots             the same, so they are flagged     left out (selection.ts)
//   bots that count  user id, address                  user id

import { isIP } from "node:net";
import { isbot } from "isbot";
import type { Hit } from "./access-line.ts";
import { userAgentOf } from "./logged-text.ts";
import { detached, memoized } from "./memo.ts";
import { userIds } from "./user-id.ts";

/** What is not told is empty. */
export interface Visitor {
  /** Whether it is a known bot. */
  readonly isBot: boolean;
  readonly userId: string;
  readonly userAgent: string;
  readonly clientAddress: string;
}

export interface VisitorOptions {
  /** Of the user ids. */
  readonly key: Buffer;
  readonly isServerHere: boolean;
  /** Bots count as people do. */
  readonly botsCount: boolean;
}

/** Tells who made a hit. Most hits are of addresses and user agents that were seen before. */
export function visitors({ key, isServerHere, botsCount }: VisitorOptions): (hit: Hit) => Visitor {
  const userIdOf = userIds(key);
  const byAddress = memoized((address) => {
    const clientAddress = isServerHere && isIP(address) !== 0 ? detached(address) : "";
    return { userId: userIdOf(address), clientAddress };
  });
  const byUserAgent = memoized((logged) => {
    const userAgent = userAgentOf(logged);
    const isBot = isbot(userAgent);
    return { isBot, userAgent: isServerHere && !(isBot && botsCount) ? userAgent : "" };
  });
  return (hit) => {
    const { userId, clientAddress } = byAddress(hit.address);
    const { isBot, userAgent } = byUserAgent(hit.userAgent);
    return { isBot, userId, userAgent, clientAddress };
  };
}

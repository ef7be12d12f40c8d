// What a user agent tells: browser, operating system, class of device, and whether it is a bot's.

import Bowser from "bowser";
import { isbot } from "isbot";
import type { AgentFields } from "./enrichment.ts";
import { Lru } from "./lru.ts";
import { headOf } from "./text.ts";

/** How much of a user agent is looked at: what follows tells nothing any more. */
const MAX_AGENT_BYTES = 1024;
/** A busy site sees some thousand user agents a day. */
const MAX_REMEMBERED = 10_000;

const NOTHING: AgentFields = { browser: "", os: "", device: "", isBot: false };

/** What Bowser calls otherwise than people do. */
const BROWSERS: ReadonlyMap<string, string> = new Map([
  ["Microsoft Edge", "Edge"],
  ["Samsung Internet for Android", "Samsung Internet"],
  ["NAVER Whale Browser", "Naver Whale"],
  ["Opera Coast", "Opera"],
]);
const SYSTEMS: ReadonlyMap<string, string> = new Map([
  ["Chrome OS", "ChromeOS"],
  ["WebOS", "webOS"],
]);

/** Of an unknown browser Bowser names what stands before the first version, which may be any text. */
const KNOWN_BROWSERS: ReadonlySet<string> = new Set(Object.values(Bowser.BROWSER_MAP));
const DEVICES: ReadonlySet<string> = new Set(["desktop", "mobile", "tablet", "tv"]);

/** How browsers begin, and most crawlers, too. */
const BROWSER = /^(?:Mozilla|Opera)\//i;
/** How crawlers name themselves, or where to read about them. WordPress, for one, has the URL of the site without "+". */
const CRAWLER = /bot|crawl|spider|\+https?:\/\//i;

/** Reads user agents, and remembers those that it has read. */
export class Agents {
  readonly #known = new Lru<AgentFields>(MAX_REMEMBERED);

  /** What `userAgent`, of any length, tells. What is not known is empty. */
  fields(userAgent: string): AgentFields {
    if (userAgent === "") return NOTHING;
    return this.#known.recall(headOf(userAgent, MAX_AGENT_BYTES), read);
  }
}

/**
 * Whether the user agent of a connection tells of a visitor, be it a bot. Otherwise it is that of a program which sends
 * events for others, such as curl or a library.
 */
export function speaksForVisitor(userAgent: string): boolean {
  const head = headOf(userAgent, MAX_AGENT_BYTES);
  return BROWSER.test(head) || CRAWLER.test(head);
}

function read(userAgent: string): AgentFields {
  const isBot = isbot(userAgent);
  try {
    const parser = Bowser.getParser(userAgent, true);
    const browser = parser.getBrowserName();
    const os = parser.getOSName();
    const device = parser.getPlatformType();
    return {
      browser: KNOWN_BROWSERS.has(browser) ? (BROWSERS.get(browser) ?? browser) : "",
      os: SYSTEMS.get(os) ?? os,
      device: DEVICES.has(device) ? device : "",
      isBot,
    };
  } catch {
    // What a parser stumbles over is no browser that anybody knows.
    return { ...NOTHING, isBot };
  }
}

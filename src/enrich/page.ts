// What the URL of a page and its referrer tell.

import { type Campaign, campaignOf } from "./campaign.ts";
import { channelOf } from "./channel.ts";
import type { PageFields } from "./enrichment.ts";
import { isSpamHost } from "./referrer-spam.ts";
import { sourceNamed, sourceOfHost } from "./sources.ts";

/** In bytes, as are the other limits; paths and hosts of URLs are ASCII. */
const MAX_PATH_BYTES = 2048;
/** What DNS allows. */
const MAX_HOST_BYTES = 255;
const MAX_REFERRER_BYTES = 1024;

const PAGE_PROTOCOLS = /^https?:$/;
const REFERRER_PROTOCOLS = /^(?:https?|android-app):$/;
/** What a host name cannot have: the ends of one in a URL, or a user name before it. */
const NOT_OF_HOST = /[/?#@\\\s]/;
const WWW = /^www\./;
/** What stands between scheme and path of a URL, however many slashes there are: user name, host, port. */
const AUTHORITY = /^\s*[a-z][a-z0-9+.-]*:[/\\]*([^/\\?#]*)/i;
/** ":65535" */
const MAX_PORT_LENGTH = 6;
/** The beginning of a percent-encoded byte. */
const CUT_OFF_ESCAPE = /%[0-9a-f]?$/i;

export interface PageInput {
  /** An http or https URL, or its part from the path on; may be empty. */
  readonly url: string;
  /** May be anything, as what is no URL says nothing. */
  readonly referrer: string;
  /** Goes before the path of the URL when it is not empty. */
  readonly path: string;
  /** Goes before the host of the URL when it is not empty. */
  readonly hostname: string;
}

/** A page that somebody came from. */
interface Referrer {
  readonly host: string;
  /** Host and path. */
  readonly page: string;
}

/** What a page's URL and referrer tell, or, as a text for the sender, what is wrong with them. */
export function pageFields({ url, referrer, path, hostname }: PageInput): PageFields | string {
  const page = parsePage(url);
  if (typeof page === "string") return page;
  const givenHost = hostname === "" ? undefined : parseHostname(hostname);
  if (typeof givenHost === "string") return givenHost;
  if (path === "" && page && page.pathname.length > MAX_PATH_BYTES)
    return `url has a path of ${page.pathname.length} bytes; at most ${MAX_PATH_BYTES} are allowed`;

  const host = givenHost?.host ?? page?.host ?? "";
  const from = externalReferrer(referrer, host);
  const campaign = campaignOf(page?.search ?? "");
  const { click, ...utm } = campaign;
  const source = sourceOf(campaign, from);
  const channel = channelOf({
    source,
    medium: utm.utmMedium || (click?.medium ?? ""),
    campaign: utm.utmCampaign,
  });
  return {
    path: path || (page?.pathname ?? ""),
    hostname: host,
    referrer: from?.page ?? "",
    ...{ source, channel },
    ...utm,
    isReferrerSpam: from !== undefined && isSpamHost(from.host),
  };
}

interface Page {
  readonly pathname: string;
  /** Undefined when the URL begins with the path. */
  readonly host: string | undefined;
  readonly search: string;
}

/** Undefined when there is no URL. */
function parsePage(url: string): Page | string | undefined {
  if (url === "") return undefined;
  // Two slashes at the beginning are of the path, as the host is told apart from it by the sender.
  const hasHost = !url.startsWith("/");
  if (hasHost && hasLongHost(url)) return `url has a host of more than ${MAX_HOST_BYTES} bytes`;
  const parsed = URL.parse(hasHost ? url : `http://host${url}`);
  if (!parsed || !PAGE_PROTOCOLS.test(parsed.protocol))
    return "url must be an http or https URL, or its part from the path on, such as /a?b=c";
  const { pathname, search } = parsed;
  if (!hasHost) return { pathname, host: undefined, search };
  const host = hostOf(parsed);
  if (host.length > MAX_HOST_BYTES) return `url has a host of more than ${MAX_HOST_BYTES} bytes`;
  return { pathname, host, search };
}

function parseHostname(hostname: string): { readonly host: string } | string {
  const parsed = NOT_OF_HOST.test(hostname) ? null : URL.parse(`http://${hostname}`);
  const host = parsed ? hostOf(parsed) : "";
  if (host === "") return "hostname must be the name of a host, such as www.example.org";
  if (host.length > MAX_HOST_BYTES)
    return `hostname is ${host.length} bytes long as a name in DNS; at most ${MAX_HOST_BYTES} are allowed`;
  return { host };
}

/** The page that linked here; undefined when it is of this site, on `ownHost`, or not known. */
function externalReferrer(referrer: string, ownHost: string): Referrer | undefined {
  const url = hasLongHost(referrer) ? null : URL.parse(referrer);
  if (!url || !REFERRER_PROTOCOLS.test(url.protocol)) return undefined;
  const host = hostOf(url).replace(WWW, "");
  if (host === "" || host.length > MAX_HOST_BYTES || host === ownHost.replace(WWW, "")) return undefined;
  const page = url.pathname === "/" ? host : host + url.pathname;
  if (page.length <= MAX_REFERRER_BYTES) return { host, page };
  return { host, page: page.slice(0, MAX_REFERRER_BYTES).replace(CUT_OFF_ESCAPE, "") };
}

/**
 * Whether the host of a URL is longer than any host, as it is written: a name in Unicode is no longer than it is in DNS.
 * To put a name into that form takes time with the square of its length, some 30 ms for 8 KB.
 */
function hasLongHost(url: string): boolean {
  const [, authority = ""] = AUTHORITY.exec(url) ?? [];
  return authority.length - (authority.lastIndexOf("@") + 1) > MAX_HOST_BYTES + MAX_PORT_LENGTH;
}

/** Without the dot that a complete name may end with. Packages of Android apps may have capitals. */
function hostOf(url: URL): string {
  return url.hostname.toLowerCase().replace(/\.$/, "");
}

function sourceOf({ utmSource, click }: Campaign, from: Referrer | undefined): string {
  if (utmSource !== "") return sourceNamed(utmSource)?.name ?? utmSource;
  if (from) return sourceOfHost(from.host)?.name ?? from.host;
  return click?.source ?? "";
}

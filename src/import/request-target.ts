// What a request asked for, as the request line of a log has it.

import { campaignOf } from "../enrich/campaign.ts";
import { hasControls, MAX_URL_BYTES, unescaped } from "./logged-text.ts";

const PROTOCOL = / HTTP\/\d(?:\.\d)?$/;
const SCHEME_AND_HOST = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;
const FRAGMENT = /#.*$/s;

export interface RequestTarget {
  /** Without scheme, host, query and fragment. Percent-encoding stays as the client sent it. */
  readonly path: string;
  /**
   * The path and the query, when that tells how the visitor came: by UTM parameters, or by the id of a click.
   * Otherwise empty, as nothing else is taken from it; also when the server would not take it.
   */
  readonly url: string;
}

/** What a logged GET request line asks for; undefined if the line is no GET request. */
export function requestTarget(request: string): RequestTarget | undefined {
  if (!request.startsWith("GET ")) return undefined;
  // HTTP/0.9 has no protocol behind the target.
  const protocol = PROTOCOL.exec(request);
  const target = request.slice("GET ".length, protocol?.index ?? request.length);
  if (target === "") return undefined;
  const relative = (target.startsWith("/") ? target : target.replace(SCHEME_AND_HOST, "")).replace(
    FRAGMENT,
    "",
  );
  const queryStart = relative.indexOf("?");
  if (queryStart < 0) return { path: sentPath(relative), url: "" };
  const path = sentPath(relative.slice(0, queryStart));
  return { path, url: campaignUrl(path, unescaped(relative.slice(queryStart)) ?? "") };
}

/** The path as the client sent it. What could not be stored stays as it was logged. */
function sentPath(path: string): string {
  if (path === "") return "/";
  const sent = unescaped(path);
  return sent === undefined || (sent !== path && hasControls(sent)) ? path : sent;
}

function campaignUrl(path: string, query: string): string {
  const url = path + query;
  if (!path.startsWith("/") || !isCampaign(query)) return "";
  return hasControls(url) || Buffer.byteLength(url) > MAX_URL_BYTES ? "" : url;
}

/** Whether the server takes something from `query`. */
function isCampaign(query: string): boolean {
  const { click, ...utm } = campaignOf(query);
  return click !== undefined || Object.values(utm).some((value) => value !== "");
}

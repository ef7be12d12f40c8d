// What an event may have beside the fields that every sender of it knows: checked, and put into the form that it is
// enriched and stored in. Most events of servers have none of it.

import { normalAddress } from "./address.ts";
import { headOfAgent } from "./origin.ts";
import { textProblem } from "./text.ts";

/** Limits in bytes of UTF-8. */
const MAX_URL_BYTES = 8192;
const MAX_TITLE_BYTES = 1024;
const MAX_HOSTNAME_BYTES = 255;
const MAX_LANGUAGE_BYTES = 35;
const MAX_USER_AGENT_BYTES = 64 * 1024;
const MAX_PROP_KEY_BYTES = 300;
const MAX_PROP_BYTES = 2000;
const MAX_PROPS = 30;
/** In CSS pixels. */
const MAX_SCREEN_WIDTH = 100_000;
/** In whole units of the currency. In millionths it is a number that a double holds exactly. */
const MAX_AMOUNT = 1e9;
const MICROS = 1e6;

/** Letters, then parts of letters and digits: what every language tag of RFC 5646 (BCP 47) looks like. */
const LANGUAGE = /^[a-z]{1,8}(?:-[a-z0-9]{1,8})*$/i;
const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf("currency"));

/** The fields as a sender gave them. What is empty, or 0, counts as absent. */
export interface DetailsInput {
  readonly url?: string | undefined;
  readonly referrer?: string | undefined;
  readonly title?: string | undefined;
  readonly hostname?: string | undefined;
  readonly language?: string | undefined;
  readonly screenWidth?: number | undefined;
  readonly props?: Readonly<Record<string, string>> | undefined;
  readonly revenue?: { readonly amount: number; readonly currency: string } | undefined;
  readonly userAgent?: string | undefined;
  readonly clientAddress?: string | undefined;
}

/** The fields as they may be used. Texts that were not given are empty. */
export interface Details {
  readonly url: string;
  readonly referrer: string;
  readonly title: string;
  readonly hostname: string;
  readonly language: string;
  readonly screenWidth: number;
  readonly props: Readonly<Record<string, string>>;
  readonly revenue: Revenue | undefined;
  /** No more of it than is looked at. */
  readonly userAgent: string;
  /** In its one form: see normalAddress. */
  readonly clientAddress: string;
}

interface Revenue {
  /** In millionths of the currency's unit. */
  readonly micros: bigint;
  /** ISO 4217. */
  readonly currency: string;
}

/**
 * The details of an event, undefined when it has none, or what is wrong with them. Who somebody else is may be stated
 * only by senders that `isLocal` says are on this machine.
 */
export function checkDetails(input: DetailsInput, isLocal: boolean): Details | string | undefined {
  if (!hasDetails(input)) return undefined;
  const { url = "", referrer = "", title = "", hostname = "", language = "", screenWidth = 0 } = input;
  const { props = {}, revenue, userAgent = "", clientAddress = "" } = input;
  const problem =
    textProblem("url", url, MAX_URL_BYTES) ??
    textProblem("referrer", referrer, MAX_URL_BYTES) ??
    textProblem("title", title, MAX_TITLE_BYTES) ??
    textProblem("hostname", hostname, MAX_HOSTNAME_BYTES) ??
    languageProblem(language) ??
    screenWidthProblem(screenWidth) ??
    propsProblem(props) ??
    (revenue && revenueProblem(revenue)) ??
    userAgentProblem(userAgent, isLocal) ??
    clientAddressProblem(clientAddress, isLocal);
  if (problem !== undefined) return problem;
  return {
    ...{ url, referrer, title, hostname, language, screenWidth, props },
    revenue: revenue && { micros: BigInt(Math.round(revenue.amount * MICROS)), currency: revenue.currency },
    userAgent: headOfAgent(userAgent),
    clientAddress: normalAddress(clientAddress) ?? "",
  };
}

function hasDetails(input: DetailsInput): boolean {
  return Boolean(
    input.url ||
      input.referrer ||
      input.title ||
      input.hostname ||
      input.language ||
      input.screenWidth ||
      input.revenue ||
      input.userAgent ||
      input.clientAddress ||
      (input.props && Object.keys(input.props).length > 0),
  );
}

function languageProblem(language: string): string | undefined {
  const problem = textProblem("language", language, MAX_LANGUAGE_BYTES);
  if (problem !== undefined || language === "" || LANGUAGE.test(language)) return problem;
  return "language must be a language tag of BCP 47, such as de-AT";
}

function screenWidthProblem(width: number): string | undefined {
  if (Number.isInteger(width) && width >= 0 && width <= MAX_SCREEN_WIDTH) return undefined;
  return `screen_width must be a whole number from 0 to ${MAX_SCREEN_WIDTH}`;
}

function propsProblem(props: Readonly<Record<string, string>>): string | undefined {
  const entries = Object.entries(props);
  if (entries.length > MAX_PROPS) return `props has ${entries.length} keys; at most ${MAX_PROPS} are allowed`;
  for (const [key, value] of entries) {
    const problem =
      key === ""
        ? "a key of props is empty"
        : (textProblem("a key of props", key, MAX_PROP_KEY_BYTES, true) ??
          textProblem(`props.${key}`, value, MAX_PROP_BYTES, true));
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function revenueProblem({ amount, currency }: NonNullable<DetailsInput["revenue"]>): string | undefined {
  if (!Number.isFinite(amount)) return "revenue.amount must be a finite number";
  if (Math.abs(amount) > MAX_AMOUNT) return `revenue.amount must be at most ${MAX_AMOUNT} either way`;
  if (currency === "") return "Missing required field: revenue.currency";
  if (CURRENCIES.has(currency)) return undefined;
  return "revenue.currency must be a currency of ISO 4217 in upper case, such as EUR";
}

function userAgentProblem(userAgent: string, isLocal: boolean): string | undefined {
  if (userAgent !== "" && !isLocal) return notLocal("user_agent");
  return textProblem("user_agent", userAgent, MAX_USER_AGENT_BYTES);
}

function clientAddressProblem(address: string, isLocal: boolean): string | undefined {
  if (address === "") return undefined;
  if (!isLocal) return notLocal("client_address");
  if (normalAddress(address) !== undefined) return undefined;
  return "client_address must be an IP address, such as 192.0.2.1";
}

function notLocal(field: string): string {
  return `${field} may be stated only by senders on the server's own machine`;
}

// The JSON body of POST /event. Unknown fields are ignored, so that existing senders keep working; of duplicate keys
// the last wins; null counts as absent. A byte order mark before the JSON is skipped.

import { isUtf8 } from "node:buffer";
import type { EventInput } from "../ingest/validate.ts";

const BYTE_ORDER_MARK = "\ufeff";

/** The event in `body`, or what is wrong with it. */
export function parseEventJson(body: Buffer): EventInput | string {
  if (!isUtf8(body)) return "Invalid JSON";
  let json: unknown;
  try {
    const text = body.toString();
    json = JSON.parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);
  } catch {
    // The parser says more, in words of its own.
    return "Invalid JSON";
  }
  if (!isObject(json)) return "Invalid JSON";
  const event: Event = { siteId: "", eventType: "", path: "", userId: "", timestamp: "", eventId: "" };
  let problem: string | undefined;
  for (const [name, value] of Object.entries(json)) {
    if (value === null) continue;
    const field = TEXTS.get(name);
    if (field === undefined) problem ??= OTHERS.get(name)?.(value, event);
    else if (typeof value === "string") event[field] = value;
    else problem ??= `${name} must be a string`;
  }
  return problem ?? event;
}

type Required = "siteId" | "eventType" | "path" | "userId" | "timestamp" | "eventId";
type Text = Required | "url" | "referrer" | "title" | "hostname" | "language" | "userAgent" | "clientAddress";
type Event = { [field in Required]: string } & { [field in Exclude<Text, Required>]?: string } & {
  screenWidth?: number;
  props?: Record<string, string>;
  revenue?: { amount: number; currency: string };
};

/** Puts a value that is no text into the event; what is wrong with it, if something is. */
type Reader = (value: unknown, event: Event) => string | undefined;

/** An amount that is written as a text, as those do who count no money in binary fractions. */
const AMOUNT = /^[+-]?\d{1,20}(?:\.\d{1,20})?$/;

const TEXTS: ReadonlyMap<string, Text> = new Map([
  ["site_id", "siteId"],
  ["event_type", "eventType"],
  ["path", "path"],
  ["user_id", "userId"],
  ["timestamp", "timestamp"],
  ["event_id", "eventId"],
  ["url", "url"],
  ["referrer", "referrer"],
  ["title", "title"],
  ["hostname", "hostname"],
  ["language", "language"],
  ["user_agent", "userAgent"],
  ["client_address", "clientAddress"],
]);

const OTHERS: ReadonlyMap<string, Reader> = new Map([
  ["screen_width", readScreenWidth],
  ["props", readProps],
  ["revenue", readRevenue],
]);

function readScreenWidth(value: unknown, event: Event): string | undefined {
  if (typeof value !== "number") return "screen_width must be a number";
  event.screenWidth = value;
  return undefined;
}

function readProps(value: unknown, event: Event): string | undefined {
  if (!isObject(value)) return "props must be an object";
  const texts: [string, string][] = [];
  for (const [key, prop] of Object.entries(value)) {
    if (prop === null) continue;
    if (typeof prop === "object") return `props.${key} must be a string, a number or a boolean`;
    texts.push([key, String(prop)]);
  }
  event.props = Object.fromEntries(texts);
  return undefined;
}

function readRevenue(value: unknown, event: Event): string | undefined {
  if (!isObject(value)) return "revenue must be an object";
  const { amount, currency } = value;
  if (amount === undefined || amount === null) return "Missing required field: revenue.amount";
  const isAmount = typeof amount === "number" || (typeof amount === "string" && AMOUNT.test(amount));
  if (!isAmount) return 'revenue.amount must be a number, or a string such as "9.99"';
  if (typeof (currency ?? "") !== "string") return "revenue.currency must be a string";
  event.revenue = { amount: Number(amount), currency: String(currency ?? "") };
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

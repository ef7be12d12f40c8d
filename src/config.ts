// The settings of the server. Each is a flag and an environment variable; both are checked by the same parser, whose
// complaint names the one that was used.

import { InvalidArgumentError, Option } from "commander";
import { addressRanges } from "./api/address-ranges.ts";
import { LOG_LEVELS, type LogLevel } from "./logger.ts";

const ROLES = ["ingest", "projector", "report"] as const;
type Role = (typeof ROLES)[number];

export interface ServeConfig {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly data: string;
  readonly role: readonly Role[];
  /** Paths of PEM files; both or none. */
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  /** Ranges of addresses, as addressRanges reads them. */
  readonly trustProxy?: readonly string[];
  readonly respectGpc: boolean;
  /** Path of an MMDB file. */
  readonly geoip?: string;
  /** In ms. */
  readonly dedupeWindow: number;
  /** In ms. */
  readonly degradedLag: number;
  readonly logLevel: LogLevel;
}

const DEFAULT_PORT = 5000;

const MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** The settings of `footfall serve`, with the environment variables that stand in for the flags. */
export function serveOptions(env: NodeJS.ProcessEnv): Option[] {
  // PORT is what hosting platforms set; our own variable goes before it.
  const portVariable = env.FOOTFALL_PORT === undefined && env.PORT !== undefined ? "PORT" : "FOOTFALL_PORT";
  return [
    new Option("--host <address>", "address to listen on")
      .env("FOOTFALL_HOST")
      .default("127.0.0.1")
      .argParser(parseText),
    new Option("--port <number>", "port to listen on; 0 picks a free one")
      .env(portVariable)
      .default(DEFAULT_PORT)
      .argParser(parsePort),
    dataOption(),
    new Option("--role <roles>", `roles to run, of ${ROLES.join(", ")}; several with commas`)
      .env("FOOTFALL_ROLE")
      .default([...ROLES], ROLES.join(","))
      .argParser(parseRoles),
    new Option("--tls-cert <file>", "certificate (PEM): serve TLS only")
      .env("FOOTFALL_TLS_CERT")
      .argParser(parseText),
    new Option("--tls-key <file>", "private key of the certificate (PEM)")
      .env("FOOTFALL_TLS_KEY")
      .argParser(parseText),
    new Option(
      "--trust-proxy <ranges>",
      "proxies whose X-Forwarded-For is believed: addresses, networks, loopback",
    )
      .env("FOOTFALL_TRUST_PROXY")
      .argParser(parseRanges),
    new Option("--respect-gpc [switch]", "do not store events of browsers that send Sec-GPC: 1 or DNT: 1")
      .env("FOOTFALL_RESPECT_GPC")
      .default(false)
      .argParser(parseSwitch),
    new Option("--geoip <file>", "database of countries and regions by address (MMDB)")
      .env("FOOTFALL_GEOIP")
      .argParser(parseText),
    dedupeWindowOption(),
    new Option("--degraded-lag <time>", "how far statistics may be behind before health says degraded")
      .env("FOOTFALL_DEGRADED_LAG")
      .default(10 * MS.s, "10s")
      .argParser(parseDuration),
    new Option("--log-level <level>", "what to log on standard error")
      .env("FOOTFALL_LOG_LEVEL")
      .default("info")
      .choices(LOG_LEVELS),
  ];
}

export function dataOption(): Option {
  return new Option("--data <directory>", "where events and statistics are kept")
    .env("FOOTFALL_DATA")
    .default("./data")
    .argParser(parseText);
}

export function dedupeWindowOption(): Option {
  return new Option("--dedupe-window <time>", "how long an event_id is remembered, such as 7d, 12h or 30m")
    .env("FOOTFALL_DEDUPE_WINDOW")
    .default(7 * MS.d, "7d")
    .argParser(parseDuration);
}

export function urlOption(): Option {
  return new Option("--url <url>", "the server to talk to")
    .env("FOOTFALL_URL")
    .default(`http://127.0.0.1:${DEFAULT_PORT}`)
    .argParser(parseUrl);
}

/** What is wrong with the settings taken together; undefined when nothing is. */
export function configProblem(config: ServeConfig): string | undefined {
  if ((config.tlsCert === undefined) !== (config.tlsKey === undefined)) {
    return "--tls-cert and --tls-key (FOOTFALL_TLS_CERT and FOOTFALL_TLS_KEY) go together: one of them is missing";
  }
  return undefined;
}

/** An empty host would be every address of the machine, an empty directory the current one: neither is what was meant. */
function parseText(text: string): string {
  if (text === "") throw new InvalidArgumentError("It must not be empty: give it a value, or leave it out.");
  return text;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) {
    throw new InvalidArgumentError("It must be a whole number from 0 to 65535.");
  }
  return port;
}

function parseRoles(text: string): Role[] {
  const roles = text.split(",").map((part) => ROLES.find((role) => role === part.trim()));
  const known = roles.filter((role) => role !== undefined);
  if (known.length !== roles.length) {
    throw new InvalidArgumentError(
      `It must be one or more of ${ROLES.join(", ")}, with commas between them.`,
    );
  }
  return [...new Set(known)];
}

function parseRanges(text: string): string[] {
  const ranges = text.split(",").map((part) => part.trim());
  try {
    addressRanges(ranges);
  } catch (error) {
    throw error instanceof RangeError ? new InvalidArgumentError(error.message) : error;
  }
  return ranges;
}

/** What a switch is set to by a value, which a flag need not have and a variable has. */
function parseSwitch(text: string): boolean {
  if (["true", "1", "yes", "on"].includes(text)) return true;
  if (["false", "0", "no", "off"].includes(text)) return false;
  throw new InvalidArgumentError("It must be true or false.");
}

/** A duration such as "7d", in ms. */
function parseDuration(text: string): number {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  const unit = match?.[2] as keyof typeof MS | undefined;
  const duration = unit ? Number(match?.[1]) * MS[unit] : 0;
  if (duration === 0) {
    throw new InvalidArgumentError("It must be a number above 0 and a unit (s, m, h or d), such as 7d.");
  }
  return duration;
}

/** As parseDuration reads it, in the largest unit that takes a whole number. */
export function formatDuration(ms: number): string {
  for (const unit of ["d", "h", "m"] as const) if (ms % MS[unit] === 0) return `${ms / MS[unit]}${unit}`;
  return `${ms / MS.s}s`;
}

function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw new InvalidArgumentError("It must be a URL such as http://127.0.0.1:5000.");
  }
  return text;
}

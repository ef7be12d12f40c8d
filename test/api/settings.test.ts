// The settings that concern senders, as `footfall serve` reads them.

import { Command } from "commander";
import { pino } from "pino";
import { expect, test } from "vitest";
import { openPlaces } from "../../src/api/places.ts";
import { type ServeConfig, serveOptions } from "../../src/config.ts";

/** The settings by these flags; throws the complaint about them. */
function settings(...flags: string[]): ServeConfig {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  for (const option of serveOptions({})) command.addOption(option);
  return command.parse(flags, { from: "user" }).opts<ServeConfig>();
}

test("by default no proxy is believed, everybody is counted, and no place is known", () => {
  const config = settings();
  expect([config.trustProxy, config.respectGpc, config.geoip]).toEqual([undefined, false, undefined]);
  expect(openPlaces(config, pino({ level: "silent" }))).toBeUndefined();
});

test("proxies are ranges, with commas between them", () => {
  const ranges = "10.0.0.0/8, loopback,2001:db8::/32";
  expect(settings("--trust-proxy", ranges).trustProxy).toEqual(["10.0.0.0/8", "loopback", "2001:db8::/32"]);
});

test("a range that is none is named", () => {
  expect(() => settings("--trust-proxy", "10.0.0.0/8,10.0.0.0/99")).toThrow(
    '"10.0.0.0/99" is no range of addresses',
  );
});

test("--respect-gpc is a switch, with a value or without", () => {
  expect(settings("--respect-gpc").respectGpc).toBe(true);
  expect(settings("--respect-gpc", "true").respectGpc).toBe(true);
  expect(settings("--respect-gpc=off").respectGpc).toBe(false);
  expect(() => settings("--respect-gpc=maybe")).toThrow("It must be true or false.");
});

test.each(["/no/such/file.mmdb", import.meta.filename])(
  "--geoip %s: it is said which file cannot be used",
  (file) => {
    const config = settings("--geoip", file);
    expect(() => openPlaces(config, pino({ level: "silent" }))).toThrow(
      `the file ${file} of --geoip cannot be used: `,
    );
  },
);

// Referrer spam: requests that no visitor made, with the URL of a site in the referrer that wants to be looked at in
// the statistics. It is known by the host; referrer-spam.txt has those that are known, and where the list comes from.

import { readFileSync } from "node:fs";
import { ofHost } from "./hosts.ts";

const HOSTS: ReadonlyMap<string, true> = new Map(
  readFileSync(new URL("referrer-spam.txt", import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((host) => [host, true]),
);

/** Whether `host`, in lower case, is known for referrer spam, or is below one that is. */
export function isSpamHost(host: string): boolean {
  return ofHost(HOSTS, host) ?? false;
}

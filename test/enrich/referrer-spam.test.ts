import { expect, test } from "vitest";
import { isSpamHost } from "../../src/enrich/referrer-spam.ts";
import { sourceOfHost } from "../../src/enrich/sources.ts";

test.each(["semalt.com", "www.semalt.com", "buttons-for-website.com", "qiwi.xyz"])(
  "%s is known for spam",
  (host) => {
    expect(isSpamHost(host)).toBe(true);
  },
);

test.each(["", "com", "example.org", "notsemalt.com", "semalt.com.example", "google.com", "#"])(
  "%j is not known for spam",
  (host) => {
    expect(isSpamHost(host)).toBe(false);
  },
);

test.each(["www.google.com", "t.co", "duckduckgo.com", "youtube.com"])(
  "the known source %s is none",
  (host) => {
    expect(sourceOfHost(host)).toBeDefined();
    expect(isSpamHost(host)).toBe(false);
  },
);

import { expect, test } from "vitest";
import { sourceNamed, sourceOfHost } from "../../src/enrich/sources.ts";

test.each([
  ["www.google.com", "Google", "search"],
  ["google.co.jp", "Google", "search"],
  ["com.google.android.googlequicksearchbox", "Google", "search"],
  ["mail.google.com", "Gmail", "email"],
  ["com.google.android.gm", "Gmail", "email"],
  ["gemini.google.com", "Gemini", "ai"],
  ["search.yahoo.com", "Yahoo", "search"],
  ["mail.yahoo.com", "Yahoo Mail", "email"],
  ["yandex.ru", "Yandex", "search"],
  ["l.facebook.com", "Facebook", "social"],
  ["t.co", "X", "social"],
  ["old.reddit.com", "Reddit", "social"],
  ["news.ycombinator.com", "Hacker News", "social"],
  ["youtu.be", "YouTube", "video"],
  ["www.amazon.co.uk", "Amazon", "shopping"],
  ["chatgpt.com", "ChatGPT", "ai"],
  ["copilot.microsoft.com", "Microsoft Copilot", "ai"],
])("%s is %s, of the category %s", (host, name, category) => {
  expect(sourceOfHost(host)).toEqual({ name, category });
});

test.each([
  "example.org",
  "netflix.com.evil.example",
  "dropbox.com",
  "google.example.org",
  "localhost",
  "ask",
])("the host %s is of no known source", (host) => {
  expect(sourceOfHost(host)).toBeUndefined();
});

test.each([
  ["google", "Google"],
  ["GOOGLE", "Google"],
  [" Hacker News ", "Hacker News"],
  ["fb", "Facebook"],
  ["m.facebook.com", "Facebook"],
  ["twitter", "X"],
])("%j in utm_source means %s", (text, name) => {
  expect(sourceNamed(text)?.name).toBe(name);
});

test.each(["", "newsletter", "constructor", "__proto__", ".", "..", "*", "google.*.com"])(
  "%j in utm_source means no known source",
  (text) => {
    expect(sourceNamed(text)).toBeUndefined();
  },
);

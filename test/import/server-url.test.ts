import { expect, test } from "vitest";
import { isOnThisMachine, serverUrl } from "../../src/import/server-url.ts";

test.each([
  "http://localhost:5000",
  "https://LOCALHOST",
  "http://127.0.0.1:5000",
  "http://127.9.8.7",
  "http://127.1",
  "http://[::1]:5000",
])("%s is on this machine", (url) => {
  expect(isOnThisMachine(serverUrl(url))).toBe(true);
});

test.each([
  "http://192.0.2.1:5000",
  "http://[2001:db8::1]",
  "http://localhost.example.org",
  "http://127.0.0.1.example.org",
  "http://128.0.0.1",
])("%s is not known to be on this machine", (url) => {
  expect(isOnThisMachine(serverUrl(url))).toBe(false);
});

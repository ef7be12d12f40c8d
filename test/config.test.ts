import { expect, test } from "vitest";
import { serveOptions } from "../src/config.ts";

test.for(["--host", "--data", "--geoip", "--tls-cert", "--tls-key"])("%s must not be empty", (flag) => {
  const option = serveOptions({}).find(({ long }) => long === flag);
  expect(option?.parseArg?.("x", undefined)).toBe("x");
  expect(() => option?.parseArg?.("", undefined)).toThrow("It must not be empty");
});

// What the command line says to a person who got something wrong, and how roles run apart.

import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { temporaryDirectory } from "../temporary.ts";
import { post } from "./load.ts";
import { footfall, Running, Server, until } from "./server.ts";

test("the command that the package installs can be executed", () => {
  const command = join(import.meta.dirname, "../..", packageJson.bin.footfall);
  expect(() => accessSync(command, constants.X_OK)).not.toThrow();
});

describe("a mistake is named, and nothing is started", () => {
  const cases: readonly [what: string, args: string[], env: NodeJS.ProcessEnv, message: RegExp][] = [
    ["an unknown command", ["nonsense"], {}, /unknown command 'nonsense'/],
    ["an unknown flag", ["serve", "--prot", "1"], {}, /unknown option '--prot'\s+\(Did you mean --port\?\)/],
    ["a bad port", ["serve", "--port", "abc"], {}, /'--port <number>' argument 'abc' is invalid.*0 to 65535/],
    ["a bad port in a variable", ["serve"], { FOOTFALL_PORT: "99999" }, /'99999' from env 'FOOTFALL_PORT'/],
    ["an empty host", ["serve", "--host", ""], {}, /'--host <address>' argument '' is invalid.*not be empty/],
    ["an empty host in a variable", ["serve"], { FOOTFALL_HOST: "" }, /env 'FOOTFALL_HOST'.*leave it out/],
    ["an empty data directory", ["log", "verify"], { FOOTFALL_DATA: "" }, /'FOOTFALL_DATA'.*not be empty/],
    ["a bad role", ["serve", "--role", "ingest,x"], {}, /one or more of ingest, projector, report/],
    ["a bad window", ["serve", "--dedupe-window", "7"], {}, /number above 0 and a unit/],
    [
      "a data directory that cannot be made",
      ["serve", "--data", "/proc/x"],
      {},
      /^footfall: .* \/proc\/x \(--data\) .*ENOENT.*\n$/,
    ],
    [
      "a data directory that is a file",
      ["serve", "--data", import.meta.filename],
      {},
      /^footfall: .* cannot be written: ENOTDIR.*\n$/,
    ],
    ["a key without certificate", ["serve", "--tls-key", "k"], {}, /--tls-cert and --tls-key .* go together/],
    ["a bad URL", ["stats", "--site", "s", "--url", "localhost:1"], {}, /URL such as/],
    ["a misspelled site", ["stats", "--sit", "s"], {}, /unknown option '--sit'\s+\(Did you mean --site\?\)/],
    ["no site", ["stats"], {}, /required option '--site <id>' not specified/],
    ["no server", ["stats", "--site", "s", "--url", "http://127.0.0.1:1"], {}, /is the server running\?/],
    [
      "no log",
      ["log", "cat", "--data", join("nowhere", "at", "all")],
      {},
      /there is no event log in nowhere\/at\/all/,
    ],
    ["a bad offset", ["log", "cat", "--from", "-1"], {}, /must be a whole number/],
  ];
  test.for(cases)("%s", async ([, args, env, message]) => {
    expect(await footfall(args, env)).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(message),
    });
  });

  test("a port that is taken, or a certificate that is not there", async () => {
    const data = temporaryDirectory();
    const server = await Server.start(data);
    const other = await footfall(["serve", "--port", String(server.port), "--data", temporaryDirectory()]);
    expect(other).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining(
        `footfall: cannot listen on 127.0.0.1:${server.port}: another program listens`,
      ),
    });
    const flags = ["--tls-cert", "no.pem", "--tls-key", "no.key"];
    expect(await footfall(["serve", "--port", "0", "--data", temporaryDirectory(), ...flags])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("footfall: the file no.pem of --tls-cert cannot be read"),
    });
  });

  test("a data directory that another server uses, and before that a file that cannot be used", async () => {
    const data = temporaryDirectory();
    await Server.start(data);
    const flags = ["serve", "--port", "0", "--data", data, "--log-level", "error"];
    expect(await footfall(flags)).toEqual({
      code: 1,
      stdout: "",
      stderr: `footfall: the data directory ${data} is in use by another server or command: stop it, or choose another with --data\n`,
    });
    // The projector, which waits for the other server to end, is not waited for.
    expect(await footfall([...flags, "--geoip", import.meta.filename])).toEqual({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^footfall: the file .* of --geoip cannot be used: .*\n$/),
    });
  });
});

test("config shows each setting with where it comes from", async () => {
  const { stdout } = await footfall(["config", "--dedupe-window", "90m"], {
    FOOTFALL_HOST: "::1",
    PORT: "7000",
  });
  expect(stdout).toMatch(/^host +::1 +\(FOOTFALL_HOST\)$/m);
  expect(stdout).toMatch(/^port +7000 +\(PORT\)$/m);
  expect(stdout).toMatch(/^dedupe-window +90m +\(flag\)$/m);
  expect(stdout).toMatch(/^role +ingest,projector,report +\(default\)$/m);
});

test("roles run apart on one data directory, and each says what it does not do", async () => {
  const data = temporaryDirectory();
  const ingest = await Server.start(data, ["--port", "0", "--role", "ingest"]);
  const report = await Server.start(data, ["--port", "0", "--role", "report"]);
  const body = JSON.stringify({ site_id: "s", event_type: "page_view" });
  expect(await post(undefined, `${ingest.url}/event`, body)).toBe(200);
  expect(await post(undefined, `${report.url}/event`, body)).toBe(503);
  expect((await fetch(`${ingest.url}/stats?site_id=s`)).status).toBe(501);
  // Before a first projection exists, statistics answer zeros.
  expect(await report.getJson("/stats?site_id=s")).toMatchObject({ total_views: 0 });
  expect(await ingest.getJson("/health")).toMatchObject({ status: "healthy", queue_size: 1 });

  const projector = new Running(["serve", "--role", "projector", "--data", data]);
  await until(
    "the projector is ready",
    () => projector.stdout.includes("footfall projector ready") || undefined,
  );
  await ingest.caughtUp();
  expect(await report.getJson("/stats?site_id=s")).toMatchObject({ total_views: 1 });
  projector.process.kill("SIGTERM");
  expect(await projector.finished).toMatchObject({ code: 0 });
});

import { appendFile, readFile } from "node:fs/promises";
import { PassThrough, Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ServiceState } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { BLOCK_LINES } from "../../src/import/block.ts";
import { MAX_LINE_BYTES } from "../../src/import/hashed-lines.ts";
import { OTHER_LOG_ID } from "./fake-server.ts";
import { fileOf, view } from "./lines.ts";
import { Workbench } from "./workbench.ts";

let bench: Workbench;

beforeEach(async () => {
  bench = await Workbench.open();
});
afterEach(() => bench.close());

const THREE = fileOf([view("/1"), view("/2"), view("/3")]);
/** Two whole blocks and a bit. */
const MANY_LINES = 2 * BLOCK_LINES + 10;
const MANY = fileOf(Array.from({ length: MANY_LINES }, (_, index) => view(`/${index}`)));

describe("an import", () => {
  test("sends the page views of its files and says what it did", async () => {
    const one = await bench.write(
      "one.log",
      fileOf([view("/1"), view("/x.css"), view("/x", { status: 404 }), "junk"]),
    );
    const two = await bench.write("two.log", fileOf([view("/2")]));
    const { summary, stdout, stderr } = await bench.run([one, two]);
    expect(bench.storedPaths()).toEqual(["/1", "/2"]);
    expect(summary).toMatchObject({ lines: 5, sent: 2, assets: 1, notPages: 1, malformed: 1, rejected: 0 });
    expect(stdout).toMatch(/^5 lines read in .* lines\/s\)\n2 events sent\n1 left out: no successful GET\n/);
    expect(stderr).toBe(`${one}:4: malformed: not in the combined format\n`);
  });

  test("keeps static files when it is told to", async () => {
    const file = await bench.write("a.log", fileOf([view("/x.css")]));
    expect((await bench.run([file])).summary).toMatchObject({ sent: 0, assets: 1 });
    expect((await bench.run([file], { includeAssets: true })).summary).toMatchObject({ sent: 1, assets: 0 });
  });

  test("names the host of the site's pages when it is told to", async () => {
    await bench.run([await bench.write("a.log", THREE)], { hostname: "www.example.org" });
    for (const { hostname } of bench.server.stored.values()) expect(hostname).toBe("www.example.org");
  });

  test("sends a block in one stream", async () => {
    await bench.run([await bench.write("a.log", MANY)]);
    expect(bench.server.streams).toEqual([BLOCK_LINES, BLOCK_LINES, 10]);
    expect(bench.server.stored.size).toBe(MANY_LINES);
  });

  test("names the first malformed lines and counts the others", async () => {
    const file = await bench.write("a.log", "junk\n".repeat(25));
    const { stderr } = await bench.run([file]);
    expect(stderr.split("\n")).toHaveLength(22);
    expect(stderr).toContain(`${file}:20: malformed`);
    expect(stderr).toContain(`${file}: 5 more malformed lines`);
  });

  test("reports a line that is too long and goes on behind it", async () => {
    const file = await bench.write("a.log", `${"x".repeat(5_000_000)}\n${THREE}`);
    const { stderr } = await bench.run([file]);
    expect(stderr).toBe(`${file}:1: malformed: longer than ${MAX_LINE_BYTES} bytes\n`);
    expect(bench.storedPaths()).toEqual(["/1", "/2", "/3"]);
  });

  test("reports what the server rejects by the number of its line", async () => {
    bench.server.rejectedPath = "/2";
    const file = await bench.write("a.log", `junk\n${THREE}`);
    const { summary, stderr } = await bench.run([file]);
    expect(stderr).toContain(`${file}:3: rejected: path is not wanted\n`);
    expect(summary).toMatchObject({ sent: 2, rejected: 1 });
  });

  test("counts also the rejected events that the server does not name", async () => {
    bench.server.rejectedPath = "/";
    const file = await bench.write("a.log", fileOf(Array.from({ length: 150 }, () => view("/"))));
    const { summary, stderr } = await bench.run([file]);
    expect(summary).toMatchObject({ sent: 0, rejected: 150 });
    expect(stderr).toContain(`${file}: 130 more rejected lines\n`);
  });

  test("draws a bar on a terminal and keeps its reports", async () => {
    const file = await bench.write("a.log", `junk\n${THREE}`);
    const { stderr } = await bench.run([file], {}, { isTTY: true });
    expect(stderr).toContain(`${file}:1: malformed: not in the combined format\n`);
  });

  test("stores the client's address nowhere", async () => {
    await bench.run([await bench.write("a.log", `junk 192.0.2.1\n${THREE}`)]);
    const kept = [await bench.read("import.key"), await bench.read("import.key.state"), bench.stderr];
    for (const content of kept) expect(content).not.toContain("192.0.2.1");
  });
});

describe("the input", () => {
  test.each([
    ["gzipped", gzipSync(THREE)],
    ["gzipped in several members", Buffer.concat([gzipSync(THREE.slice(0, 50)), gzipSync(THREE.slice(50))])],
    ["with CRLF line endings", Buffer.from(THREE.replaceAll("\n", "\r\n"))],
    ["without a line ending at its end", Buffer.from(THREE.trimEnd())],
  ])("has the same ids when it is %s", async (_, content) => {
    await bench.run([await bench.write("plain.log", THREE)], { again: true });
    await bench.run([await bench.write("other.log", content)], { again: true });
    expect(bench.server.streams).toEqual([3, 3]);
    expect(bench.server.stored.size).toBe(3);
  });

  test("may come from stdin, gzipped, in any pieces", async () => {
    const bytes = gzipSync(THREE);
    const pieces = [bytes.subarray(0, 1), bytes.subarray(1, 30), bytes.subarray(30)];
    await bench.run(["-"], {}, { stdin: Readable.from(pieces, { objectMode: false }) });
    expect(bench.storedPaths()).toEqual(["/1", "/2", "/3"]);
  });

  test("is called stdin where it comes from there", async () => {
    const { stderr } = await bench.run(["-"], {}, { stdin: Readable.from([Buffer.from("junk\n")]) });
    expect(stderr).toBe("stdin:1: malformed: not in the combined format\n");
  });

  test.each([
    ["empty", Buffer.alloc(0)],
    ["the gzip of nothing", gzipSync("")],
  ])("may be %s", async (_, content) => {
    expect((await bench.run([await bench.write("a.log", content)])).summary).toMatchObject({
      lines: 0,
      sent: 0,
    });
  });

  test("is looked at, all of it, before anything is sent", async () => {
    const files = [await bench.write("a.log", THREE), bench.path("missing.log")];
    await expect(bench.run(files)).rejects.toMatchObject({
      name: "ImportError",
      code: "input",
      message: `${bench.path("missing.log")} does not exist`,
    });
    expect(bench.server.streams).toEqual([]);
  });

  test("is not a directory", async () => {
    await expect(bench.run([bench.directory])).rejects.toMatchObject({
      message: `${bench.directory} is a directory`,
    });
  });

  test("that breaks off is named, and imported up to its last whole block", async () => {
    const whole = gzipSync(MANY);
    const file = await bench.write("a.log.gz", whole.subarray(0, whole.length - 20));
    await expect(bench.run([file])).rejects.toMatchObject({
      code: "input",
      message: `${file} is a gzip file that breaks off`,
    });
    expect(bench.server.stored.size).toBe(2 * BLOCK_LINES);
    await bench.write("a.log.gz", whole);
    expect((await bench.run([file])).summary).toMatchObject({ sent: 10, alreadyImported: 2 * BLOCK_LINES });
  });

  test("that is damaged is named", async () => {
    const damaged = gzipSync(MANY);
    damaged.fill(0xff, 5_000, 6_000);
    const file = await bench.write("a.log.gz", damaged);
    await expect(bench.run([file])).rejects.toMatchObject({ message: `${file} is a damaged gzip file` });
  });

  test.each([
    ["no file", [], "No file to import"],
    ["stdin twice", ["-", "-"], "stdin (-) can be read only once"],
  ])("cannot be %s", async (_, files, message) => {
    await expect(bench.run(files)).rejects.toMatchObject({ code: "options", message });
  });
});

describe("a second import", () => {
  test("sends nothing when nothing is new", async () => {
    const file = await bench.write("a.log", MANY);
    await bench.run([file]);
    const streams = bench.server.streams.length;
    const { summary } = await bench.run([file]);
    expect(summary).toMatchObject({ sent: 0, alreadyImported: MANY_LINES });
    expect(bench.server.streams).toHaveLength(streams);
  });

  test("sends only what the file has grown by, also when it is gzipped now", async () => {
    await bench.run([await bench.write("a.log", THREE)]);
    const grown = await bench.write("a.log.1.gz", gzipSync(THREE + fileOf([view("/4")])));
    expect((await bench.run([grown])).summary).toMatchObject({ sent: 1, alreadyImported: 3 });
  });

  test("sends everything, with the same ids, when it is told to", async () => {
    const file = await bench.write("a.log", THREE);
    await bench.run([file]);
    expect((await bench.run([file], { again: true })).summary).toMatchObject({ sent: 3, alreadyImported: 0 });
    expect(bench.server.stored.size).toBe(3);
  });

  test("sends everything to a server with another log", async () => {
    const file = await bench.write("a.log", THREE);
    await bench.run([file]);
    bench.server.logId = OTHER_LOG_ID;
    expect((await bench.run([file])).summary).toMatchObject({ sent: 3 });
  });

  test("sends everything for another site, under other ids", async () => {
    const file = await bench.write("a.log", THREE);
    await bench.run([file]);
    await bench.run([file], { site: "other" });
    expect(bench.server.stored.size).toBe(6);
  });

  test("sends again, and says so, what the server's log has lost, also when it is interrupted and the log grows", async () => {
    const file = await bench.write("a.log", MANY);
    await bench.run([file]);
    bench.server.logEnd = 15_000;
    bench.server.faults.push(Code.InvalidArgument);
    await expect(bench.run([file])).rejects.toMatchObject({ code: "server" });
    expect(bench.stderr).toContain("ends at offset 15000, before 2 blocks of lines that were imported");
    bench.server.logEnd = 10 * MANY_LINES;
    const { summary, stderr } = await bench.run([file]);
    expect(summary).toMatchObject({ sent: BLOCK_LINES + 10, alreadyImported: BLOCK_LINES });
    expect(stderr).toBe("");
  });

  test("is not led astray by a torn state", async () => {
    const file = await bench.write("a.log", MANY);
    await bench.run([file]);
    await appendFile(bench.path("import.key.state"), '{"log":"111');
    expect((await bench.run([file])).summary).toMatchObject({ sent: 0 });
  });
});

describe("a failing server", () => {
  test.each([
    ["is unavailable", Code.Unavailable],
    ["has no room", Code.ResourceExhausted],
    ["has an internal error", Code.Internal],
    ["ends a stream early", "early" as const],
    ["breaks the connection before it answers", "drop" as const],
  ])("gets the block again with the same ids when it %s", async (_, fault) => {
    bench.server.faults.push(fault);
    const { summary, stderr } = await bench.run([await bench.write("a.log", MANY)]);
    expect(summary).toMatchObject({ sent: MANY_LINES, rejected: 0 });
    expect(bench.server.stored.size).toBe(MANY_LINES);
    expect(stderr).toMatch(/^.*; trying again for 60 s\nThrough again after \d+\.\d s\n$/);
  });

  test("is waited for no longer than is said", async () => {
    bench.server.faults.push(...Array.from({ length: 100 }, () => Code.Unavailable));
    const file = await bench.write("a.log", THREE);
    await expect(bench.run([file], { giveUpAfterMs: 150 })).rejects.toMatchObject({
      name: "ImportError",
      code: "server",
      message: expect.stringMatching(/Gave up after 0.15 s; running the same command again continues$/),
    });
    bench.server.faults.length = 0;
    expect((await bench.run([file])).summary).toMatchObject({ sent: 3 });
  });

  test.each([Code.InvalidArgument, Code.Unimplemented, Code.Unauthenticated, Code.PermissionDenied])(
    "is taken at its word when it answers with code %i",
    async (code) => {
      bench.server.faults.push(code);
      await expect(bench.run([await bench.write("a.log", THREE)])).rejects.toMatchObject({
        code: "server",
        message: expect.stringContaining("refuses: as the test asked for"),
      });
    },
  );

  test("does not keep a failed import waiting for input", async () => {
    bench.server.faults.push(Code.InvalidArgument);
    const stdin = new PassThrough();
    stdin.write(MANY);
    await expect(bench.run(["-"], {}, { stdin })).rejects.toMatchObject({ code: "server" });
  });

  test("that comes back with another log is not sent the rest", async () => {
    bench.server.faults.push("replaced");
    const file = await bench.write("a.log", THREE);
    await expect(bench.run([file])).rejects.toMatchObject({
      code: "server",
      message: expect.stringContaining("has another log now"),
    });
    expect(bench.server.stored.size).toBe(0);
  });

  test("that comes back with less of its log is not sent the rest", async () => {
    const file = await bench.write("a.log", MANY);
    bench.server.logEnd = 5;
    bench.server.faults.push("cut");
    await expect(bench.run([file])).rejects.toMatchObject({
      code: "server",
      message: expect.stringContaining("has less of its log now"),
    });
    expect(bench.server.stored.size).toBe(0);
  });

  test.each([
    ["has not opened its log", { logId: "" }],
    ["refuses events, and may say an old end of its log", { state: ServiceState.UNAVAILABLE }],
  ])("that %s is waited for", async (_, status) => {
    Object.assign(bench.server, status);
    const file = await bench.write("a.log", THREE);
    await expect(bench.run([file], { giveUpAfterMs: 1 })).rejects.toMatchObject({
      message: expect.stringContaining("does not take events in"),
    });
  });

  test("that nobody listens for is named", async () => {
    const { url } = bench.server;
    await bench.server.close();
    await expect(bench.run([await bench.write("a.log", THREE)], { giveUpAfterMs: 1 })).rejects.toMatchObject({
      code: "server",
      message: expect.stringContaining(url),
    });
  });

  test.each(["", "localhost:5000", "ftp://localhost", "127.0.0.1"])("is not at %j", async (url) => {
    await expect(bench.run([await bench.write("a.log", THREE)], { url })).rejects.toMatchObject({
      code: "options",
      message: expect.stringContaining("Not a URL of a server"),
    });
  });
});

describe("an interrupted import", () => {
  test("ends with an error, and is continued by the next one", async () => {
    const controller = new AbortController();
    const stdin = new PassThrough();
    const running = bench.run(["-"], {}, { stdin, signal: controller.signal });
    stdin.write(MANY);
    await expect.poll(() => bench.server.stored.size, { timeout: 10_000 }).toBe(2 * BLOCK_LINES);
    controller.abort();
    await expect(running).rejects.toMatchObject({ name: "ImportError", code: "interrupted" });
    const { summary } = await bench.run([await bench.write("a.log", MANY)]);
    expect(summary.sent).toBeLessThanOrEqual(BLOCK_LINES + 10);
    expect(bench.server.stored.size).toBe(MANY_LINES);
  });

  test("does not wait for a server that stays away", async () => {
    bench.server.faults.push(...Array.from({ length: 100 }, () => Code.Unavailable));
    const controller = new AbortController();
    const running = bench.run([await bench.write("a.log", THREE)], {}, { signal: controller.signal });
    await expect.poll(() => bench.server.faults.length).toBeLessThan(99);
    controller.abort();
    await expect(running).rejects.toMatchObject({ code: "interrupted" });
  });
});

test.each(["a/b", "x y", "user@host", "a".repeat(256)])("the hostname %s is refused", async (hostname) => {
  const file = await bench.write("a.log", THREE);
  await expect(bench.run([file], { hostname })).rejects.toMatchObject({
    code: "options",
    message: expect.stringMatching(/^The hostname (?:must be|is)/),
  });
});

test("a site that no event could have is refused", async () => {
  const file = await bench.write("a.log", THREE);
  for (const site of ["", "x".repeat(129), "a\nb"]) {
    await expect(bench.run([file], { site })).rejects.toMatchObject({ code: "options" });
  }
  await expect(readFile(bench.path("import.key"))).rejects.toMatchObject({ code: "ENOENT" });
});

// `footfall log verify` and `footfall log repair` on the log of a real server.

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fileOf, view } from "../import/lines.ts";
import { temporaryDirectory } from "../temporary.ts";
import { post, startLoad } from "./load.ts";
import { footfall, Server, until } from "./server.ts";

const SEGMENT = "00000000000000000000.log";

/** Sends `count` events, one after the other: a frame each. */
async function send(server: Server, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    const body = JSON.stringify({ site_id: "s", event_type: "page_view", path: `/${i}` });
    expect(await post(undefined, `${server.url}/event`, body)).toBe(200);
  }
}

/** Where the frames of a segment begin. */
function frameStarts(bytes: Buffer): number[] {
  const starts: number[] = [];
  const magic = Buffer.from([0xff, 0x46, 0x52, 0x4d]);
  for (let at = bytes.indexOf(magic); at !== -1; at = bytes.indexOf(magic, at + 1)) starts.push(at);
  return starts;
}

test("verify finds a log whole while it is written, and after the server was killed", async () => {
  const data = temporaryDirectory();
  const server = await Server.start(data);
  const load = startLoad(server.url, "s");
  await until("events are taken in", () => load.acknowledged.size > 500 || undefined);
  const beside = await footfall(["log", "verify", "--data", data]);
  expect(beside).toMatchObject({ code: 0, stdout: expect.stringContaining("the log is whole") });
  expect(beside.stdout).toContain("up to the durable mark");
  expect(Number(/^events +(\d+) /m.exec(beside.stdout)?.[1])).toBeGreaterThan(500);
  await server.stop("SIGKILL");
  const killed = await footfall(["log", "verify", "--data", data]);
  expect(killed).toMatchObject({ code: 0, stdout: expect.stringContaining("the log is whole") });
  expect(killed.stdout).toContain("read      to the end");

  const again = await Server.start(data, ["--port", String(server.port)]);
  await load.stop();
  await again.caughtUp();
  expect(await again.getJson("/stats?site_id=s")).toMatchObject({ total_views: load.acknowledged.size });
});

test("a damaged log is refused, told of, repaired only when asked to, and goes on", async () => {
  const data = temporaryDirectory();
  const first = await Server.start(data);
  await send(first, 10);
  await first.caughtUp();
  await first.stop();
  const path = join(data, "log", SEGMENT);
  const damaged = readFileSync(path);
  const position = frameStarts(damaged)[7] ?? 0;
  damaged.writeUInt8(damaged.readUInt8(position + 40) ^ 4, position + 40);
  writeFileSync(path, damaged);

  const found = `${SEGMENT}, byte ${position}: the CRC of the payload is wrong`;
  expect(await footfall(["log", "verify", "--data", data])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining(found),
  });

  const refusing = await Server.start(data);
  expect(await post(undefined, `${refusing.url}/event`, '{"site_id":"s","event_type":"x"}')).toBe(503);
  expect(await footfall(["log", "repair", "--yes", "--data", data])).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringContaining("stop the server first"),
  });
  await refusing.stop();

  const said = await footfall(["log", "repair", "--data", data]);
  expect(said).toMatchObject({ code: 1, stdout: expect.stringContaining(found) });
  expect(said.stdout).toContain("3 events are lost, those with the offsets 7 to 9");
  expect(said.stdout).toContain("2 stand in whole frames");
  expect(said.stdout).toContain("the statistics hold events up to offset 9");
  expect(said.stdout).toContain("nothing was changed");
  expect(readFileSync(path)).toEqual(damaged);

  const done = await footfall(["log", "repair", "--yes", "--data", data]);
  expect(done).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("done: the files as they were are in"),
  });
  const [directory] = readdirSync(join(data, "log")).filter((name) => name.startsWith("damaged-"));
  expect(readFileSync(join(data, "log", directory ?? "", SEGMENT))).toEqual(damaged);
  expect(await footfall(["log", "verify", "--data", data])).toMatchObject({ code: 0 });
  expect(await footfall(["log", "repair", "--data", data])).toMatchObject({
    code: 0,
    stdout: "the log is whole: there is nothing to repair\n",
  });

  // As the command says: the two events are appended, then the statistics are made anew.
  const steps = done.stdout.slice(done.stdout.indexOf("what is left to do"));
  const [, salvage, removal] =
    /^ {2}1\. .*\n +npx footfall (log salvage .*)\n {2}2\. .*\n +(rm .*)\n {2}3\. start the server/m.exec(
      steps,
    ) ?? [];
  expect(await footfall(salvage?.split(" ") ?? [])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^2 events were appended/),
  });
  execFileSync("sh", ["-c", removal ?? "false"]);
  const last = await Server.start(data);
  await send(last, 5);
  await last.caughtUp();
  expect(await last.getJson("/stats?site_id=s")).toMatchObject({ total_views: 14 });
  expect(await last.stop()).toMatchObject({ code: 0 });
});

test("what a repair cuts off of an import comes back by importing again, and counts once", async () => {
  const data = temporaryDirectory();
  const files = ["a", "b", "c"].map((name) => {
    const file = join(data, `${name}.access`);
    writeFileSync(file, fileOf(Array.from({ length: 20 }, (_, n) => view(`/${name}${n}`))));
    return file;
  });
  const importAll = (server: Server) =>
    footfall(["import", "--data", data, "--url", server.url, "--site", "s", ...files]);
  const first = await Server.start(data);
  expect(await importAll(first)).toMatchObject({ code: 0 });
  await first.stop();
  const state = join(data, "import.key.state");
  const [a = "", ...others] = readFileSync(state, "utf8").split("\n");
  writeFileSync(state, [a.replace(/,"offset":\d+/, ""), ...others].join("\n"));
  const path = join(data, "log", SEGMENT);
  const damaged = readFileSync(path);
  const last = frameStarts(damaged).at(-1) ?? 0;
  damaged.writeUInt8(damaged.readUInt8(last + 40) ^ 4, last + 40);
  writeFileSync(path, damaged);

  const kept = readFileSync(state);
  rmSync(state);
  mkdirSync(state);
  const repair = () => footfall(["log", "repair", "--yes", "--data", data]);
  expect(await repair()).toMatchObject({ code: 0, stdout: expect.stringContaining("Mend that") });
  rmdirSync(state);
  writeFileSync(state, kept);

  const { stdout } = await repair();
  expect(stdout).toContain("1 blocks of lines that `footfall import` brought in stood");
  expect(stdout).toContain("of 1 blocks of lines that an earlier version imported it is not known");
  expect(readFileSync(state, "utf8")).toMatch(/"cut":40\}\n$/);
  for (const name of readdirSync(data)) if (/^analytics.*\.db/.test(name)) rmSync(join(data, name));
  const repaired = await Server.start(data);
  expect(await importAll(repaired)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("20 events sent\n40 already imported"),
  });
  await repaired.caughtUp();
  expect(await repaired.getJson("/stats?site_id=s")).toMatchObject({ total_views: 60 });
});

test("where there is no log, both say so", async () => {
  for (const command of ["verify", "repair"]) {
    expect(await footfall(["log", command, "--data", "nowhere"])).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("there is no event log in nowhere"),
    });
  }
});

import { pino } from "pino";
import { expect, test } from "vitest";
import { Ingestor } from "../../src/ingest/ingestor.ts";
import { LogHost } from "../../src/ingest/log-host.ts";
import type { LogError } from "../../src/log/errors.ts";
import { takeLock } from "../../src/log/lock.ts";
import { FaultFiles } from "../log/fault-files.ts";
import { readIds } from "../log/log-fixture.ts";
import { temporaryDirectory } from "../temporary.ts";

/** Files whose opening for writing waits for a gate, and may fail. */
class GatedFiles extends FaultFiles {
  gate: Promise<void> = Promise.resolve();
  /** Thrown by the attempts to open the log that are left. */
  readonly errors: Error[] = [];
  attempts = 0;
  free = 2 ** 40;

  override async freeBytes(): Promise<number> {
    this.attempts += 1;
    await this.gate;
    const error = this.errors.shift();
    if (error) throw error;
    await super.freeBytes();
    return this.free;
  }
}

function createHost(files: GatedFiles) {
  const data = temporaryDirectory();
  const ingestor = new Ingestor();
  const failures: LogError[] = [];
  const host = new LogHost(files, ingestor, pino({ level: "silent" }), (error) => failures.push(error));
  const isLocked = () => {
    try {
      takeLock(`${data}/ingest.lock`, "testing").release();
      return false;
    } catch {
      return true;
    }
  };
  return { data, ingestor, host, failures, isLocked };
}

const event = (eventId: string) => ({
  ...{ siteId: "s", eventType: "page_view", path: "/", userId: "", eventId },
});

test("events are taken in between start and close, and the lock is held as long", async () => {
  const files = new GatedFiles();
  const { data, ingestor, host, isLocked } = createHost(files);
  await host.start(data);
  expect(isLocked()).toBe(true);
  await ingestor.ingest([event("a")]);
  await host.close("stopping");
  expect({ isLocked: isLocked(), refusal: ingestor.refusal, openFiles: files.openFiles }).toEqual({
    ...{ isLocked: false, refusal: "stopping", openFiles: 0 },
  });
  expect(await readIds(files)).toEqual(["a"]);
});

test("a close while the log is being opened takes nothing in, and keeps the lock until the log is closed", async () => {
  const files = new GatedFiles();
  const opening = Promise.withResolvers<void>();
  files.gate = opening.promise;
  const { data, ingestor, host, isLocked } = createHost(files);
  const started = host.start(data);
  await expect.poll(() => files.attempts).toBe(1);
  const closed = host.close("stopping");
  await expect(ingestor.ingest([event("a")])).rejects.toMatchObject({ message: "stopping" });
  expect(isLocked()).toBe(true);
  opening.resolve();
  await Promise.all([started, closed]);
  await expect(ingestor.ingest([event("a")])).rejects.toMatchObject({ message: "stopping" });
  expect({ isLocked: isLocked(), openFiles: files.openFiles }).toEqual({ isLocked: false, openFiles: 0 });
});

test("a log that cannot be opened is refused without naming a path, and opened later", async () => {
  const files = new GatedFiles();
  const system = { code: "EACCES", syscall: "open", path: "/secret/place" };
  files.errors.push(Object.assign(new Error("EACCES: permission denied, open '/secret/place'"), system));
  const { data, ingestor, host } = createHost(files);
  await host.start(data);
  expect(ingestor.refusal).toBe("the event log cannot be opened: EACCES: permission denied, open");
  await expect.poll(() => ingestor.refusal, { timeout: 10_000 }).toBeUndefined();
  await ingestor.ingest([event("a")]);
  await host.close("stopping");
});

test("a close while the next attempt is awaited is done at once, and no attempt follows", async () => {
  const files = new GatedFiles();
  files.errors.push(new Error("broken"));
  const { data, ingestor, host, isLocked } = createHost(files);
  await host.start(data);
  await host.close("stopping");
  expect({ attempts: files.attempts, refusal: ingestor.refusal, isLocked: isLocked() }).toEqual({
    ...{ attempts: 1, refusal: "stopping", isLocked: false },
  });
});

test("a log that fails is told, and what was sent is refused", async () => {
  const files = new GatedFiles();
  const { data, ingestor, host, failures } = createHost(files);
  await host.start(data);
  files.fault = { at: files.operations + 1, code: "EIO", forGood: true };
  const taken = ["a", "b", "c"].map((id) => ingestor.ingest([event(id)]));
  for (const outcome of await Promise.allSettled(taken)) {
    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "unavailable" } });
  }
  await expect.poll(() => failures).toMatchObject([{ code: "failed" }]);
  await host.close("stopping").catch(() => undefined);
  expect(files.openFiles).toBe(0);
});

test("a disk that is nearly full: events are refused before a write fails, and taken again when there is room", async () => {
  const files = new GatedFiles();
  const { data, ingestor, host, failures } = createHost(files);
  await host.start(data);
  await ingestor.ingest([event("a")]);
  files.free = 8 * 1024 * 1024 - 1;
  await expect.poll(() => ingestor.refusal).toMatch(/no room for the log/);
  await expect(ingestor.ingest([event("b")])).rejects.toMatchObject({ code: "unavailable" });
  await expect.poll(() => files.openFiles).toBe(0);

  files.free = 2 ** 40;
  await expect.poll(() => ingestor.refusal, { timeout: 10_000 }).toBeUndefined();
  await ingestor.ingest([event("c")]);
  await host.close("stopping");
  expect(failures).toEqual([]);
  expect({ ids: await readIds(files), openFiles: files.openFiles }).toEqual({
    ids: ["a", "c"],
    openFiles: 0,
  });
});

test("a close just when the disk is nearly full leaves nothing open", async () => {
  const files = new GatedFiles();
  const { data, ingestor, host, isLocked } = createHost(files);
  await host.start(data);
  files.free = 0;
  await expect.poll(() => ingestor.refusal).toMatch(/no room for the log/);
  await host.close("stopping");
  expect({ isLocked: isLocked(), openFiles: files.openFiles }).toEqual({ isLocked: false, openFiles: 0 });
});

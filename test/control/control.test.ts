import { statSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import {
  type ControlCommand,
  ControlError,
  callControl,
  NotRunning,
  serveControl,
} from "../../src/control/control.ts";
import { temporaryDirectory } from "../temporary.ts";

const never = new AbortController().signal;

async function serve(commands: Record<string, ControlCommand>, path = join(temporaryDirectory(), "x.sock")) {
  const server = await serveControl(path, new Map(Object.entries(commands)), pino({ level: "silent" }));
  onTestFinished(() => server.close());
  return { path, server };
}

test("a command gets its arguments, tells its progress, and answers", async () => {
  const { path } = await serve({
    count: async ({ to }, progress) => {
      for (let n = 1; n <= Number(to); n += 1) progress({ n });
      return { counted: to };
    },
  });
  const seen: unknown[] = [];
  expect(await callControl(path, "count", { to: 3 }, (state) => seen.push(state), never)).toEqual({
    counted: 3,
  });
  expect(seen).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
});

test("the socket is for its owner alone, and replaces what a killed process left behind", async () => {
  const path = join(temporaryDirectory(), "x.sock");
  writeFileSync(path, "");
  await serve({ hello: async () => ({}) }, path);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await callControl(path, "hello", {}, () => {}, never)).toEqual({});
});

test("where no socket can be made, the server lives on without", async () => {
  for (const path of [
    join(temporaryDirectory(), "x".repeat(200)),
    join(temporaryDirectory(), "missing", "x.sock"),
  ]) {
    const { server } = await serve({ hello: async () => ({}) }, path);
    await expect(callControl(path, "hello", {}, () => {}, never)).rejects.toThrow(NotRunning);
    await server.close();
  }
});

test("what goes wrong is told", async () => {
  const { path } = await serve({
    refuse: async () => {
      throw new ControlError("not now");
    },
    fail: async () => {
      throw new Error("a bug");
    },
  });
  const call = (command: string) => callControl(path, command, {}, () => {}, never);
  await expect(call("refuse")).rejects.toThrow(new ControlError("not now"));
  await expect(call("fail")).rejects.toThrow("a bug");
  await expect(call("nothing")).rejects.toThrow("does not know the command nothing");
});

test("without a server it says so", async () => {
  const missing = callControl(join(temporaryDirectory(), "x.sock"), "hello", {}, () => {}, never);
  await expect(missing).rejects.toThrow(NotRunning);
});

test("a client that leaves cancels its command, and a client that is cancelled hears why", async () => {
  const cancelled = Promise.withResolvers<void>();
  const { path } = await serve({
    wait: (_, progress, signal) => {
      progress({});
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          cancelled.resolve();
          reject(signal.reason);
        });
      });
    },
  });
  const leaving = new AbortController();
  const call = callControl(path, "wait", {}, () => leaving.abort(new Error("enough")), leaving.signal);
  await expect(call).rejects.toThrow("enough");
  await cancelled.promise;
});

test("a server that closes ends the commands that are under way", async () => {
  const { path, server } = await serve({
    wait: (_, progress, signal) => {
      progress({});
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
  });
  const started = Promise.withResolvers<void>();
  const call = callControl(path, "wait", {}, () => started.resolve(), never);
  const outcome = expect(call).rejects.toThrow("stopped before it was done");
  await started.promise;
  await server.close();
  await outcome;
});

test("garbage is refused, and a client that says nothing harms nobody", async () => {
  const { path } = await serve({ hello: async () => ({}) });
  const silent = net.connect(path);
  for (const garbage of ["x\n", "[]\n", '{"command":1,"arguments":{}}\n', '{"command":"hello"}\n']) {
    const socket = net.connect(path);
    socket.end(garbage);
    let answer = "";
    for await (const chunk of socket.setEncoding("utf8")) answer += chunk;
    expect(JSON.parse(answer)).toMatchObject({ error: expect.any(String) });
  }
  expect(await callControl(path, "hello", {}, () => {}, never)).toEqual({});
  silent.destroy();
});

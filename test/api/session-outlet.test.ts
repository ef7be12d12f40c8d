// Frames go out in their order, as far as the window has room.

import { Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { expect, test } from "vitest";
import { SessionOutlet } from "../../src/api/session-outlet.ts";
import { ErrorCode } from "../../src/http2/frames.ts";

const FIRST_WINDOW = 65_535;
const MAX_WINDOW = 2 ** 31 - 1;

/** An outlet, and what it has written. */
function open() {
  const written: string[] = [];
  const socket = new Socket();
  socket.write = (bytes: unknown) => {
    written.push(String(bytes));
    return true;
  };
  Object.defineProperty(socket, "writable", { get: () => socket.destroyed === false });
  return { outlet: new SessionOutlet(socket), written, socket };
}

const frame = (name: string) => Buffer.from(name);

test("what is sent in one turn is one write", async () => {
  const { outlet, written } = open();
  for (const name of ["a", "b", "c"]) outlet.send(frame(name), 10);
  expect(written).toEqual([]);
  await turn();
  expect(written).toEqual(["abc"]);
  outlet.send(frame("d"), 0);
  outlet.flush();
  expect(written).toEqual(["abc", "d"]);
  await turn();
  expect(written).toEqual(["abc", "d"]);
});

test("what has no room waits, and all behind it, until the window has grown enough", async () => {
  const { outlet, written } = open();
  outlet.send(frame("a"), FIRST_WINDOW - 1);
  outlet.send(frame("b"), 2);
  outlet.send(frame("c"), 0);
  outlet.send(frame("d"), 1);
  await turn();
  expect([written.join(""), outlet.waitingBytes > 0]).toEqual(["a", true]);
  outlet.grow(1);
  outlet.flush();
  expect([written.join(""), outlet.waitingBytes > 0]).toEqual(["abc", true]);
  outlet.grow(1);
  outlet.flush();
  expect([written.join(""), outlet.waitingBytes > 0]).toEqual(["abcd", false]);
});

test("what fills the window to its end does not wait", () => {
  const { outlet } = open();
  outlet.send(frame("a"), FIRST_WINDOW);
  expect(outlet.waitingBytes > 0).toBe(false);
  outlet.send(frame("b"), 1);
  expect(outlet.waitingBytes > 0).toBe(true);
});

test("what is not of the order of others does not wait, and takes nothing of the window", async () => {
  const { outlet, written } = open();
  outlet.send(frame("a"), FIRST_WINDOW);
  outlet.send(frame("b"), 1);
  outlet.sendNow(frame("ping"));
  await turn();
  expect(written).toEqual(["aping"]);
  outlet.grow(1);
  await turn();
  expect(written).toEqual(["aping", "b"]);
});

test("a window may be as large as windows can be, and no larger", () => {
  const { outlet } = open();
  outlet.grow(MAX_WINDOW - FIRST_WINDOW);
  outlet.send(frame("a"), 5);
  outlet.grow(5);
  expect(() => outlet.grow(1)).toThrow(expect.objectContaining({ code: ErrorCode.flowControlError }));
});

test("nothing is written to a socket that is gone", async () => {
  const { outlet, written, socket } = open();
  outlet.send(frame("a"), 1);
  socket.destroy();
  await turn();
  outlet.flush();
  expect(written).toEqual([]);
});

test("however frames and growth come, the order is kept, and never more is out than the window has", () => {
  const change = fc.oneof(
    fc.record({ cost: fc.oneof(fc.constant(0), fc.nat(20_000)) }),
    fc.record({ growth: fc.integer({ min: 1, max: 30_000 }) }),
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 100 }), (changes) => {
      const { outlet, written } = open();
      const costs: number[] = [];
      let window = FIRST_WINDOW;
      for (const each of changes) {
        if ("cost" in each) {
          outlet.send(frame(`${costs.length},`), each.cost);
          costs.push(each.cost);
        } else {
          window += each.growth;
          outlet.grow(each.growth);
        }
        outlet.flush();
        const out = written.join("").split(",").slice(0, -1).map(Number);
        expect(out).toEqual([...out.keys()]);
        const [next] = costs.slice(out.length);
        const spent = out.reduce((sum, index) => sum + (costs[index] ?? 0), 0);
        expect(spent).toBeLessThanOrEqual(window);
        // And no less than it could be.
        expect(next === undefined || spent + next > window).toBe(true);
        expect(outlet.waitingBytes > 0).toBe(next !== undefined);
      }
    }),
  );
});

test("what was sent is let go of, though something waits all the time", async () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const { outlet } = open();
  outlet.send(frame("a"), FIRST_WINDOW);
  const sent: WeakRef<Buffer>[] = [];
  for (let count = 0; count < 100; count += 1) {
    const bytes = Buffer.alloc(10);
    sent.push(new WeakRef(bytes));
    outlet.send(bytes, 1);
    if (count > 0) outlet.grow(1);
    outlet.flush();
    await turn();
  }
  expect(outlet.waitingBytes).toBeGreaterThan(0);
  collect();
  expect(sent.filter((reference) => reference.deref()).length).toBeLessThan(5);
});

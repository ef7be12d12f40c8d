// Of what a real socket does here no test can wait for: it is a minute. A socket that says so stands for it.

import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { Connections } from "../../src/api/drain.ts";

const MINUTE_MS = 60_000;

/** A socket as node:http has it. */
class FakeSocket extends EventEmitter {
  bytesRead = 0;
  bytesWritten = 100;
  readableEnded = false;
  writableEnded = false;
  isDestroyed = false;
  isRead = true;

  isPaused(): boolean {
    return !this.isRead;
  }

  destroy(): void {
    this.isDestroyed = true;
    this.emit("close");
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

function open(state: Partial<FakeSocket>): FakeSocket {
  const socket = Object.assign(new FakeSocket(), state);
  new Connections().addSocket(socket as unknown as Socket);
  return socket;
}

test.for([
  { what: "is read", state: {}, isKept: true },
  { what: "is read, though nothing more is answered", state: { writableEnded: true }, isKept: true },
  { what: "is read no more, though something may be answered", state: { readableEnded: true }, isKept: true },
  { what: "is not read", state: { isRead: false }, isKept: false },
  { what: "has ended both ways", state: { readableEnded: true, writableEnded: true }, isKept: false },
])("a connection that $what is kept: $isKept", ({ state, isKept }) => {
  const socket = open(state);
  vi.advanceTimersByTime(MINUTE_MS - 2000);
  expect(socket.isDestroyed).toBe(false);
  vi.advanceTimersByTime(MINUTE_MS);
  expect(socket.isDestroyed).toBe(!isKept);
});

test("a connection that is not read is kept as long as something is written, and for a minute behind that", () => {
  const socket = open({ isRead: false });
  for (let minute = 0; minute < 5; minute += 1) {
    socket.bytesWritten += 1;
    vi.advanceTimersByTime(MINUTE_MS - 2000);
  }
  expect(socket.isDestroyed).toBe(false);
  vi.advanceTimersByTime(4000);
  expect(socket.isDestroyed).toBe(true);
});

test("a connection that was not read for a while is kept for a minute when it is not read again", () => {
  const socket = open({ isRead: false });
  vi.advanceTimersByTime(MINUTE_MS - 2000);
  socket.isRead = true;
  vi.advanceTimersByTime(2000);
  socket.isRead = false;
  vi.advanceTimersByTime(MINUTE_MS - 2000);
  expect(socket.isDestroyed).toBe(false);
});

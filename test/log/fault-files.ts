// Log files in memory that fail, lose power and tell what became of it, as a disk under a kernel does.
//
//   write ──► page cache ──datasync──► disk        a process reads the page cache
//   names ──► directory ──syncDirectory──► disk
//
// A kill leaves the page cache. A power cut leaves the disk, and any part of what was not synced: each 512-byte sector,
// each file's length and each name for itself, so in any order, and torn. After a sync that failed the sectors count as
// written though they are not on disk, as under Linux: only writing them again gets them there.
// Not simulated: damage to what was synced.

import type { LogFile, LogFiles, OpenMode } from "../../src/log/files.ts";

const SECTOR_BYTES = 512;

export interface Fault {
  /** The operation that fails, counted from 1 since the process began. */
  readonly at: number;
  /** An errno; `short`: reads and writes end early, and without an error; `off`: the power is gone. */
  readonly code: "EIO" | "ENOSPC" | "short" | "off";
  /** Whether all operations from there on fail as well. */
  readonly forGood: boolean;
}

/** Numbers from 0 to 1, the same for the same seed (Mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class FaultFiles implements LogFiles {
  readonly directory = "simulated";
  fault: Fault | undefined;
  /** The operations since the process began. */
  operations = 0;
  /** The files that the process has open. */
  openFiles = 0;
  #process = 0;
  #names = new Map<string, Content>();
  #namesOnDisk = new Map<string, Content>();

  /** The process ends at once; the next one sees all that it wrote. */
  kill(): void {
    this.#process += 1;
    this.fault = undefined;
    this.operations = 0;
    this.openFiles = 0;
  }

  /** The power fails: a draw of `random` below `survival` keeps a part that was not synced. */
  powerCut(random: () => number, survival = 0.5): void {
    this.kill();
    const isKept = () => random() < survival;
    for (const name of new Set([...this.#names.keys(), ...this.#namesOnDisk.keys()])) {
      const content = (isKept() ? this.#names : this.#namesOnDisk).get(name);
      if (content) this.#namesOnDisk.set(name, content);
      else this.#namesOnDisk.delete(name);
    }
    this.#names = new Map(this.#namesOnDisk);
    for (const content of new Set(this.#names.values())) content.powerCut(isKept);
  }

  async list(): Promise<string[]> {
    this.#begin("scandir");
    return [...this.#names.keys()];
  }

  async open(name: string, mode: OpenMode): Promise<LogFile> {
    this.#begin("open");
    let content = this.#names.get(name);
    if (!content) {
      if (mode !== "create") throw systemError("ENOENT", "open");
      content = new Content();
      this.#names.set(name, content);
    } else if (mode === "create") content.resize(0);
    return this.#file(content);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#begin("rename");
    const content = this.#names.get(from);
    if (!content) throw systemError("ENOENT", "rename");
    this.#names.delete(from);
    this.#names.set(to, content);
  }

  async remove(name: string): Promise<void> {
    this.#begin("unlink");
    if (!this.#names.delete(name)) throw systemError("ENOENT", "unlink");
  }

  async link(from: string, to: string): Promise<void> {
    this.#begin("link");
    const content = this.#names.get(from);
    if (!content) throw systemError("ENOENT", "link");
    this.#names.set(to, content);
  }

  /** Directories are but the beginnings of names here. */
  async makeDirectory(): Promise<void> {
    this.#begin("mkdir");
  }

  async syncDirectory(): Promise<void> {
    this.#begin("fsync");
    this.#namesOnDisk = new Map(this.#names);
  }

  async freeBytes(): Promise<number> {
    this.#begin("statfs");
    return 2 ** 40;
  }

  /** Counts an operation; throws when it is to fail, and says whether it is to end early. */
  #begin(syscall: string): "whole" | "short" {
    this.operations += 1;
    const { fault, operations } = this;
    if (!fault || operations < fault.at || (operations > fault.at && !fault.forGood)) return "whole";
    if (fault.code === "short") return "short";
    throw systemError(fault.code, syscall);
  }

  #file(content: Content): LogFile {
    const process = this.#process;
    let isClosed = false;
    this.openFiles += 1;
    const isUsable = () => !isClosed && process === this.#process;
    const begin = (syscall: string) => {
      if (!isUsable()) throw systemError("EBADF", syscall);
      return this.#begin(syscall);
    };
    return {
      read: async (target, position) => {
        const length = begin("read") === "short" ? Math.ceil(target.byteLength / 2) : target.byteLength;
        const bytes = content.cached.subarray(position, position + length);
        target.set(bytes);
        return bytes.byteLength;
      },
      write: async (bytes, position) => {
        const half = bytes.subarray(0, Math.ceil(bytes.byteLength / 2));
        try {
          const written = begin("write") === "short" ? half : bytes;
          content.write(written, position);
          return written.byteLength;
        } catch (error) {
          // Of a write that failed anything may be there.
          if (isUsable()) content.write(half, position);
          throw error;
        }
      },
      datasync: async () => {
        try {
          begin("fdatasync");
          content.sync();
        } catch (error) {
          if (isUsable() && this.fault?.code !== "off") content.forgetUnsynced();
          throw error;
        }
      },
      truncate: async (length) => {
        begin("ftruncate");
        content.resize(length);
      },
      size: async () => {
        begin("fstat");
        return content.cached.length;
      },
      close: async () => {
        try {
          begin("close");
        } finally {
          if (isUsable()) this.openFiles -= 1;
          isClosed = true;
        }
      },
    };
  }
}

/** What a file holds, in the page cache and on disk. */
class Content {
  cached = Buffer.alloc(0);
  #onDisk = Buffer.alloc(0);
  /** The sectors that the next sync writes, by their number. */
  readonly #unsynced = new Set<number>();

  write(bytes: Uint8Array, position: number): void {
    const end = position + bytes.byteLength;
    if (end > this.cached.length) this.cached = resized(this.cached, end);
    this.cached.set(bytes, position);
    this.#touch(position, end);
  }

  resize(length: number): void {
    this.#touch(length, this.cached.length);
    this.cached = resized(this.cached, length);
  }

  sync(): void {
    this.#onDisk = this.#flushed(() => true, this.cached.length);
    this.#unsynced.clear();
  }

  forgetUnsynced(): void {
    this.#unsynced.clear();
  }

  powerCut(isKept: () => boolean): void {
    const length = isKept() ? this.cached.length : this.#onDisk.length;
    this.#onDisk = this.#flushed(isKept, length);
    this.cached = Buffer.from(this.#onDisk);
    this.#unsynced.clear();
  }

  /** The disk's bytes when the unsynced sectors that `isWritten` chooses were written, and then the length. */
  #flushed(isWritten: () => boolean, length: number): Buffer<ArrayBuffer> {
    const flushed = resized(this.#onDisk, Math.max(length, this.#onDisk.length, this.cached.length));
    for (const sector of this.#unsynced) {
      if (!isWritten()) continue;
      const start = sector * SECTOR_BYTES;
      // What was cut off before it ever reached the disk.
      if (start >= flushed.length) continue;
      flushed.fill(0, start, Math.min(flushed.length, start + SECTOR_BYTES));
      flushed.set(this.cached.subarray(start, start + SECTOR_BYTES), start);
    }
    return resized(flushed, length);
  }

  #touch(from: number, to: number): void {
    for (let sector = Math.floor(from / SECTOR_BYTES); sector * SECTOR_BYTES < to; sector += 1) {
      this.#unsynced.add(sector);
    }
  }
}

function resized(bytes: Buffer, length: number): Buffer<ArrayBuffer> {
  const copy = Buffer.alloc(length);
  bytes.copy(copy);
  return copy;
}

function systemError(code: string, syscall: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: simulated, ${syscall}`), { code, syscall });
}

// How commands on this machine ask a running process for what only that process may do: a Unix socket in the data
// directory, for the owner of the files alone. One request a connection, in JSON lines:
//
//   client   {"command":"rebuild","arguments":{…}}
//   server   {"progress":{…}}     any number of times
//            {"done":{…}}         or {"error":"…"}
//
// A client that closes the connection cancels its request.

import { chmodSync, rmSync } from "node:fs";
import net from "node:net";
import type { Logger } from "pino";

/** `progress` tells the client how far it is; `signal` aborts when the client is gone or the process drains. */
export type ControlCommand = (
  args: Readonly<Record<string, unknown>>,
  progress: (state: object) => void,
  signal: AbortSignal,
) => Promise<object>;

/** What went wrong, in words for the person who gave the command. */
export class ControlError extends Error {}

/** No process listens on the socket. */
export class NotRunning extends Error {}

type Message = { readonly progress: object } | { readonly done: object } | { readonly error: string };

/** The sockets of the projector and of the process that writes the log, in the data directory. */
export const PROJECTOR_SOCKET = "projector.sock";
export const INGEST_SOCKET = "ingest.sock";

/** The longest path of a Unix socket on Linux and macOS, in bytes. */
const MAX_PATH_BYTES = 103;

const MAX_REQUEST_LENGTH = 64 * 1024;

export interface ControlServer {
  close(): Promise<void>;
}

/**
 * Serves `commands` on the socket at `path`, which no other process may be serving. Where that is not possible (the path
 * is too long, the disk full) it says so to the logger, and the commands then need a stopped server.
 */
export async function serveControl(
  path: string,
  commands: ReadonlyMap<string, ControlCommand>,
  logger: Logger,
): Promise<ControlServer> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    logger.warn(
      { path },
      "the path of the control socket is too long: commands need the server to be stopped",
    );
    return { close: async () => {} };
  }
  const closing = new AbortController();
  const server = net.createServer((socket) => {
    void answer(socket, commands, closing.signal, logger);
  });
  try {
    // A process that was killed leaves its socket behind.
    rmSync(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
    chmodSync(path, 0o600);
  } catch (error) {
    logger.warn({ err: error }, "the control socket cannot be made: commands need the server to be stopped");
    return { close: async () => {} };
  }
  server.on("error", (error) => logger.warn({ err: error }, "the control socket failed"));
  return {
    close: async () => {
      closing.abort();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function answer(
  socket: net.Socket,
  commands: ReadonlyMap<string, ControlCommand>,
  closing: AbortSignal,
  logger: Logger,
): Promise<void> {
  const gone = new AbortController();
  const send = (message: Message) => socket.writable && socket.write(`${JSON.stringify(message)}\n`);
  socket.on("error", () => gone.abort());
  socket.on("close", () => gone.abort());
  const onClosing = () => socket.destroySoon();
  closing.addEventListener("abort", onClosing);
  try {
    const request = await firstLine(socket);
    const command = commands.get(request.command);
    if (!command) throw new ControlError(`this process does not know the command ${request.command}`);
    const signal = AbortSignal.any([gone.signal, closing]);
    const done = await command(request.arguments, (progress) => send({ progress }), signal);
    send({ done });
  } catch (error) {
    if (!gone.signal.aborted) {
      if (!(error instanceof ControlError)) logger.error({ err: error }, "a command failed");
      send({ error: error instanceof Error ? error.message : String(error) });
    }
  } finally {
    closing.removeEventListener("abort", onClosing);
    socket.end();
  }
}

interface ControlRequest {
  readonly command: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** Not by iterating over the socket: to leave the loop would destroy it. */
function firstLine(socket: net.Socket): Promise<ControlRequest> {
  return new Promise((resolve, reject) => {
    let text = "";
    const refuse = () => reject(new ControlError("the request is not a command"));
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      const end = text.indexOf("\n");
      const request = end === -1 ? undefined : parseRequest(text.slice(0, end));
      if (request) resolve(request);
      else if (end !== -1 || text.length > MAX_REQUEST_LENGTH) refuse();
    });
    socket.on("end", refuse);
    socket.on("close", refuse);
  });
}

function parseRequest(line: string): ControlRequest | undefined {
  let request: unknown;
  try {
    request = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof request !== "object" || request === null) return undefined;
  if (!("command" in request && "arguments" in request)) return undefined;
  const { command, arguments: args } = request;
  if (typeof command !== "string" || typeof args !== "object" || args === null) return undefined;
  return { command, arguments: { ...args } };
}

/**
 * Asks the process that listens on `path`; resolves to what it answers at the end. Throws NotRunning when there is
 * none, a ControlError with what it says, and the signal's reason.
 */
export async function callControl(
  path: string,
  command: string,
  args: object,
  onProgress: (state: Readonly<Record<string, unknown>>) => void,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const socket = await connect(path);
  const onAbort = () => socket.destroy();
  signal.addEventListener("abort", onAbort);
  try {
    socket.write(`${JSON.stringify({ command, arguments: args })}\n`);
    for await (const line of linesOf(socket)) {
      signal.throwIfAborted();
      const message: Message = JSON.parse(line);
      if ("progress" in message) onProgress({ ...message.progress });
      else if ("done" in message) return { ...message.done };
      else throw new ControlError(message.error);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
    socket.destroy();
  }
  signal.throwIfAborted();
  throw new ControlError("the server stopped before it was done: give the command again");
}

/** What comes, line by line; an end without a line ending is no line. Throws when the connection breaks. */
async function* linesOf(socket: net.Socket): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of socket.setEncoding("utf8")) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

function connect(path: string): Promise<net.Socket> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    return Promise.reject(new NotRunning(`the path ${path} is too long for a socket`));
  }
  return new Promise((resolve, reject) => {
    const socket = net.connect(path);
    socket.once("connect", () => resolve(socket));
    socket.once("error", (error: NodeJS.ErrnoException) => {
      const isAbsent = error.code === "ENOENT" || error.code === "ECONNREFUSED";
      reject(isAbsent ? new NotRunning("no server is running", { cause: error }) : error);
    });
  });
}

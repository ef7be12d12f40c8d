// A server that begins to drain and is killed meanwhile: what each way over HTTP/2 makes of that.

import { once } from "node:events";
import http2 from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { Code } from "@connectrpc/connect";
import { expect, onTestFinished, test } from "vitest";
import type { SentEvent } from "./ledger.ts";
import { openWays } from "./ways.ts";

/** Far below a way's own deadline, in ms. */
const SOON_MS = 5000;
/** For a server of this process to end a stream, in ms. */
const MOMENT_MS = 500;

const EVENT: SentEvent = {
  ...{ marker: "m", siteId: "s", eventType: "page_view", path: "/", userId: "u" },
  ...{ timestamp: "", eventId: "e" },
};

/** A server of HTTP/2 that does `onStream` and answers nothing. */
async function openSilent(onStream: (stream: http2.ServerHttp2Stream, connection: Socket) => void) {
  const server = http2.createServer();
  let connection: Socket | undefined;
  server.on("connection", (socket: Socket) => {
    connection = socket;
  });
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.resume();
    if (connection) onStream(stream, connection);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const ways = openWays(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => {
    ways.close();
    server.close();
  });
  return (name: string, patienceMs = SOON_MS) => {
    const way = ways.all.find((each) => each.name === name);
    if (!way) throw new Error(`there is no way ${name}`);
    return way.send(Array(20).fill(EVENT), AbortSignal.timeout(patienceMs));
  };
}

test.each(["grpc", "bulk", "stream"])(
  "%s: a connection that is reset behind a GOAWAY is lost",
  async (name) => {
    const send = await openSilent((stream, connection) => {
      stream.session?.goaway(http2.constants.NGHTTP2_NO_ERROR, stream.id);
      // When GOAWAY is on its way.
      setTimeout(() => connection.resetAndDestroy(), 50);
    });
    await expect(send(name)).rejects.toMatchObject({ code: Code.Aborted, cause: { code: "ECONNRESET" } });
  },
);

test("a stream that the server ends without an answer is not excused", async () => {
  const send = await openSilent((stream) => stream.close(http2.constants.NGHTTP2_NO_ERROR));
  await expect(send("stream", MOMENT_MS)).rejects.not.toMatchObject({ code: Code.Aborted });
});

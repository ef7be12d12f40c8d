// The client's sessions of HTTP/2, which tell calls when their connection is lost.
//
// One that is reset behind a GOAWAY, as when a server is killed in the middle of its drain, Node destroys without an error:
// its streams close as if nothing were wrong, and connect-node 2.2 goes on waiting for the answer until the deadline
// (connect-es, issue 1678). A stream that the server ends without an answer on a connection that is there is not excused.

import http2 from "node:http2";
import { Http2SessionManager } from "@connectrpc/connect-node";

export class Sessions extends Http2SessionManager {
  override async request(...request: Parameters<Http2SessionManager["request"]>) {
    const stream = await super.request(...request);
    const { session } = stream;
    let isAnswered = false;
    stream.once("response", () => {
      isAnswered = true;
    });
    stream.once("close", () => {
      const isQuiet = !isAnswered && stream.rstCode === http2.constants.NGHTTP2_NO_ERROR;
      if (isQuiet && session?.destroyed) stream.emit("error", new ConnectionLost());
    });
    return stream;
  }
}

class ConnectionLost extends Error {
  readonly code = "ECONNRESET";

  constructor() {
    super("the connection was reset while the server was closing it");
  }
}

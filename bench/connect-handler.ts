// A process: IngestEvent by connect-node, with a handler that does nothing and answers always the same. No service on
// connect-node is faster. Argument: the protocol.

import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { AnalyticsService } from "../gen/ts/analytics/v1/analytics_pb.ts";
import { serveBenchmark } from "./serve-benchmark.ts";

const answer = { message: "Event received", eventId: "019a7a0c-3f6e-7c1b-8d55-2f2a4f1d9b60" };
const handler = connectNodeAdapter({
  routes: (router) => router.rpc(AnalyticsService.method.ingestEvent, () => answer),
});
serveBenchmark(process.argv[2] === "http1" ? createServer(handler) : createHttp2Server(handler));

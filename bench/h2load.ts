// h2load, of nghttp2: for HTTP/2, and for HTTP/1.1 as well.

import type { LoadTool } from "./load.ts";

/** How many streams of an HTTP/2 session are open at a time, as a busy client has them. */
const STREAMS = 8;

export const h2load: LoadTool = {
  name: "h2load",
  command({ url, request, connections, seconds }, bodyFile) {
    const isHttp2 = request.protocol === "http2";
    const streams = isHttp2 ? Math.min(STREAMS, connections) : 1;
    const clients = Math.floor(connections / streams);
    return [
      ...["h2load", "--threads=1", `--clients=${clients}`, `--max-concurrent-streams=${streams}`],
      ...[`--duration=${seconds}`, `--data=${bodyFile}`, ...(isHttp2 ? [] : ["--h1"])],
      ...Object.entries(request.headers).map(([name, value]) => `--header=${name}: ${value}`),
      url + request.path,
    ];
  },
  read(output) {
    const rate = /^finished in [^,]+, ([\d.]+) req\/s/m.exec(output)?.[1];
    const requests = /^requests: .* (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored/m.exec(output);
    if (!rate || !requests) throw new Error(`h2load does not say what it did:\n${output}`);
    const [done = 0, accepted = 0, failed = 0, errored = 0] = requests.slice(1).map(Number);
    if (failed > 0 || errored > 0 || done !== accepted) {
      throw new Error(`of ${done} requests, ${accepted} succeeded:\n${output}`);
    }
    return { accepted, perSecond: Number(rate) };
  },
};

// wrk, for HTTP/1.1.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LoadTool } from "./load.ts";

export const wrk: LoadTool = {
  name: "wrk",
  command({ url, request, connections, seconds }, bodyFile, directory) {
    const script = join(directory, "load.lua");
    writeFileSync(script, luaScript(request.headers, bodyFile));
    const limits = ["--threads", "1", "--connections", String(connections), "--duration", `${seconds}s`];
    return ["wrk", ...limits, "--timeout", "30s", "--script", script, url + request.path];
  },
  read(output) {
    const found = /^done: (\d+) answers in (\d+) us, (\d+) failed$/m.exec(output);
    if (!found) throw new Error(`wrk does not say what it did:\n${output}`);
    const [accepted = 0, microseconds = 0, failed = 0] = found.slice(1).map(Number);
    if (failed > 0) throw new Error(`of ${accepted} requests, ${failed} failed`);
    return { accepted, perSecond: accepted / (microseconds / 1e6) };
  },
};

/** wrk counts as a failed status what is 400 or above. */
function luaScript(headers: Readonly<Record<string, string>>, bodyFile: string): string {
  // JSON's way to write texts is Lua's as well, as far as paths and headers need it.
  const headerLines = Object.entries(headers).map(
    ([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`,
  );
  return `
local file = io.open(${JSON.stringify(bodyFile)}, "rb")
wrk.method = "POST"
wrk.body = file:read("*a")
file:close()
${headerLines.join("\n")}
done = function(summary)
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  print(string.format("done: %d answers in %d us, %d failed", summary.requests, summary.duration, failed))
end
`;
}

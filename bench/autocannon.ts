// autocannon, where neither wrk nor h2load is installed: it takes more of its core for a request than an empty handler
// does of its own, so what it finds is too low for both.

import type { LoadTool } from "./load.ts";

export interface AutocannonTask {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyFile: string;
  readonly connections: number;
  readonly seconds: number;
}

export const autocannon: LoadTool = {
  name: "autocannon",
  command({ url, request, connections, seconds }, bodyFile) {
    const { path, headers } = request;
    const task: AutocannonTask = { url: url + path, headers, bodyFile, connections, seconds };
    return [process.execPath, "bench/run-autocannon.ts", JSON.stringify(task)];
  },
  read: (output) => JSON.parse(output),
};

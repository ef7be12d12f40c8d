// How a server to compare with lives: it picks a port, says which, and leaves with whoever started it.

import type { Server } from "node:net";

export function serveBenchmark(server: Server): void {
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the port has no address");
    process.stdout.write(`ready on http://127.0.0.1:${address.port}\n`);
  });
  process.stdin.on("end", () => process.exit()).resume();
}

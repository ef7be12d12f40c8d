import { defineConfig } from "vitest/config";

/**
 * Node strips types by WebAssembly, in each thread anew. Where threads start and end all the time, as in a few tests, V8 can abort
 * when it compiles a wrapper of a WebAssembly function that was called a thousand times: so it is not to.
 */
const WITHOUT_WRAPPERS = ["--wasm-wrapper-tiering-budget=1000000000"];

// Fast tests first, then the ones that start real processes, one file at a time: they use whole cores.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**"],
          // For what hangs. How long the others take depends on the machine.
          testTimeout: 60_000,
          execArgv: WITHOUT_WRAPPERS,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});

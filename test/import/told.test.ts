// What the server is told of visitors, bots among them, by where it is.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BOT, BROWSER, fileOf, view } from "./lines.ts";
import { Workbench } from "./workbench.ts";

let bench: Workbench;

beforeEach(async () => {
  bench = await Workbench.open();
});
afterEach(() => bench.close());

describe("a known bot", () => {
  const WITH_BOT = fileOf([view("/1"), view("/2", { userAgent: BOT })]);
  const userAgents = () => [...bench.server.stored.values()].map(({ userAgent }) => userAgent);

  test("is sent as one, for the server to flag it", async () => {
    const { summary, stdout } = await bench.run([await bench.write("a.log", WITH_BOT)]);
    expect(summary).toMatchObject({ sent: 2, flagged: 1, bots: 0 });
    expect(stdout).toContain(
      "2 events sent\n1 of them bots, flagged as such (--include-bots lets them count)\n",
    );
    expect(userAgents()).toEqual([BROWSER, BOT]);
  });

  test("is sent without its user agent when it is to count", async () => {
    const file = await bench.write("a.log", WITH_BOT);
    const { summary } = await bench.run([file], { includeBots: true });
    expect(summary).toMatchObject({ sent: 2, flagged: 0, bots: 0 });
    expect(userAgents()).toEqual([BROWSER, ""]);
  });

  test("that is rejected is not said to be flagged", async () => {
    bench.server.rejectedPath = "/2";
    const { summary } = await bench.run([await bench.write("a.log", WITH_BOT)]);
    expect(summary).toMatchObject({ sent: 1, flagged: 0, rejected: 1 });
  });

  test("that an earlier version left out is all that is sent then", async () => {
    const file = await bench.write("a.log", WITH_BOT);
    await bench.run([file]);
    const entry = await bench.read("import.key.state");
    bench.server.stored.clear();
    await bench.write("import.key.state", entry.replace('"bots":true', '"bots":false'));
    expect((await bench.run([file])).summary).toMatchObject({ sent: 1, flagged: 1, alreadyImported: 1 });
    expect((await bench.run([file])).summary).toMatchObject({ sent: 0, flagged: 0, alreadyImported: 2 });
    expect(bench.storedPaths()).toEqual(["/2"]);
  });

  test.each([true, false])("is sent once, whatever the flags of a later import (first %s)", async (first) => {
    const file = await bench.write("a.log", WITH_BOT);
    await bench.run([file], { includeBots: first });
    const { summary } = await bench.run([file], { includeBots: !first });
    expect(summary).toMatchObject({ sent: 0, alreadyImported: 2 });
  });
});

describe("a server elsewhere", () => {
  // An address that means this machine to the system, and is not known to by its form.
  const elsewhere = () => bench.server.url.replace("127.0.0.1", "0.0.0.0");
  const LINES = fileOf([
    view("/1", { referrer: "https://x.example/" }),
    view("/2", { userAgent: BOT }),
    view("/3"),
  ]);

  test("is sent neither user agents nor addresses, and no bots, and that is said once", async () => {
    const url = elsewhere();
    const { summary, stderr } = await bench.run([await bench.write("a.log", LINES)], { url });
    expect(summary).toMatchObject({ sent: 2, flagged: 0, bots: 1 });
    const events = [...bench.server.stored.values()];
    expect(events).toMatchObject([{ path: "/1", referrer: "https://x.example/" }, { path: "/3" }]);
    for (const event of events) expect(event).toMatchObject({ userAgent: "", clientAddress: "" });
    expect(stderr).toBe(
      `${url} is not on this machine, so that user agents and addresses are not sent: no browser and no country is ` +
        "known, and bots are left out\n",
    );
  });

  test("is sent bots that are to count", async () => {
    const options = { url: elsewhere(), includeBots: true };
    const { summary, stderr } = await bench.run([await bench.write("a.log", LINES)], options);
    expect(summary).toMatchObject({ sent: 3, flagged: 0, bots: 0 });
    expect(stderr).toMatch(/no browser and no country is known\n$/);
  });

  test("is sent the bots when it is reached on its own machine later", async () => {
    const file = await bench.write("a.log", LINES);
    await bench.run([file], { url: elsewhere() });
    expect((await bench.run([file])).summary).toMatchObject({ sent: 1, flagged: 1, alreadyImported: 2 });
    expect((await bench.run([file], { url: elsewhere() })).summary).toMatchObject({ sent: 0, bots: 1 });
  });

  test("that does not believe what is said of visitors ends the import, and nothing counts as imported", async () => {
    bench.server.rejectionReason = "user_agent may be stated only by senders on the server's own machine";
    bench.server.rejectedPath = "/1";
    const file = await bench.write("a.log", LINES);
    await expect(bench.run([file])).rejects.toMatchObject({
      code: "server",
      message: expect.stringContaining("does not take this machine for its own"),
    });
    bench.server.rejectedPath = "";
    expect((await bench.run([file], { url: elsewhere() })).summary).toMatchObject({ sent: 2 });
  });
});

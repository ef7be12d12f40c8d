import { describe, expect, test } from "vitest";
import { accessLineReader, type Hit } from "../../src/import/access-line.ts";
import { userIds } from "../../src/import/user-id.ts";
import { visitors } from "../../src/import/visitor.ts";
import { BOT, BROWSER, combinedLine, type LineFields } from "./lines.ts";

const KEY = Buffer.alloc(32, 1);
const ADDRESS = "192.0.2.1";
const userId = userIds(KEY)(ADDRESS);

function hit(fields: LineFields): Hit {
  const line = accessLineReader()(Buffer.from(combinedLine(fields)), true);
  if (line.kind !== "hit") throw new Error(`A ${line.kind} line`);
  return line;
}

const person = hit({ address: ADDRESS, userAgent: BROWSER });
const bot = hit({ address: ADDRESS, userAgent: BOT });

describe("a server on this machine", () => {
  const isServerHere = true;

  test("is told user agents, also of bots, and addresses", () => {
    const visitor = visitors({ key: KEY, isServerHere, botsCount: false });
    const told = { userId, clientAddress: ADDRESS };
    expect(visitor(person)).toEqual({ ...told, isBot: false, userAgent: BROWSER });
    expect(visitor(bot)).toEqual({ ...told, isBot: true, userAgent: BOT });
  });

  test("is told user agents as clients sent them", () => {
    const visitor = visitors({ key: KEY, isServerHere, botsCount: false });
    expect(visitor(hit({ userAgent: 'x \\"y\\"' }))).toMatchObject({ userAgent: 'x "y"' });
  });

  test("is not told user agents of bots that count", () => {
    const visitor = visitors({ key: KEY, isServerHere, botsCount: true });
    expect(visitor(person)).toMatchObject({ isBot: false, userAgent: BROWSER });
    expect(visitor(bot)).toEqual({ isBot: true, userId, userAgent: "", clientAddress: ADDRESS });
  });

  test("is told that there was no user agent, which is a bot's", () => {
    const visitor = visitors({ key: KEY, isServerHere, botsCount: false });
    expect(visitor(hit({ userAgent: "-" }))).toMatchObject({ isBot: true, userAgent: "-" });
  });

  test.each([
    ["2001:db8::1", "2001:db8::1"],
    ["host.example.net", ""],
    ["-", ""],
  ])("is told of %s the address %j", (address, clientAddress) => {
    const visitor = visitors({ key: KEY, isServerHere, botsCount: false });
    expect(visitor(hit({ address }))).toMatchObject({ clientAddress });
  });
});

test("another server is told the user id alone", () => {
  for (const botsCount of [false, true]) {
    const visitor = visitors({ key: KEY, isServerHere: false, botsCount });
    expect(visitor(person)).toEqual({ isBot: false, userId, userAgent: "", clientAddress: "" });
    expect(visitor(bot)).toEqual({ isBot: true, userId, userAgent: "", clientAddress: "" });
  }
});

import { copyFileSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { pino } from "pino";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { Places } from "../../src/enrich/places.ts";
import { makeMmdb, makePlaces, PLACES_FILE } from "../data/make-mmdb.ts";
import { temporaryDirectory } from "../temporary.ts";

const SILENT = pino({ level: "silent" });
const NOWHERE = { country: "", region: "" };
const BERLIN = { country: "DE", region: "DE-BE" };
const AUSTRIA = makeMmdb([{ network: "192.0.2.0/24", record: { country_code: "AT" } }]);

function opened(file: string, logger = SILENT): Places {
  const places = Places.open(file, logger);
  onTestFinished(() => places.close());
  return places;
}

/** A file of its own with `bytes`. */
function fileOf(bytes: Uint8Array): string {
  const file = join(temporaryDirectory(), "places.mmdb");
  writeFileSync(file, bytes);
  return file;
}

test("places.mmdb is what make-mmdb.ts makes", () => {
  expect(readFileSync(PLACES_FILE).equals(makePlaces())).toBe(true);
});

describe("an address", () => {
  test.each([
    ["192.0.2.0", BERLIN],
    ["192.0.2.255", BERLIN],
    ["198.51.100.7", { country: "US", region: "US-CA" }],
    ["2001:db8:ffff::1", { country: "FR", region: "FR-IDF" }],
    ["192.0.3.0", NOWHERE],
    ["2001:db9::", NOWHERE],
    ["203.0.113.1", NOWHERE],
  ])("of %s is in %j", (address, place) => {
    expect(opened(PLACES_FILE).fields(address)).toEqual(place);
  });

  test.each(["", "localhost", "192.0.2", "192.0.2.1.1", "192.0.2.1/24", `fe80::1%${"x".repeat(100)}`])(
    "cannot be %j",
    (address) => {
      expect(opened(PLACES_FILE).fields(address)).toEqual(NOWHERE);
    },
  );

  test("of IPv6 is not known to a file of IPv4", () => {
    const record = { country: { iso_code: "DE" } };
    const places = opened(fileOf(makeMmdb([{ network: "0.0.0.0/1", record }], 4)));
    expect(places.fields("10.0.0.1").country).toBe("DE");
    expect(places.fields("::1")).toEqual(NOWHERE);
  });

  test("may be any text", () => {
    const places = opened(PLACES_FILE);
    const address = fc.oneof(fc.ipV4(), fc.ipV6(), fc.ipV4Extended(), fc.string({ unit: "binary" }));
    fc.assert(
      fc.property(address, (text) => {
        const { country, region } = places.fields(text);
        expect(["", "DE-BE", "US-CA", "FR-IDF"]).toContain(region);
        expect(country).toBe(region.slice(0, 2));
      }),
    );
  });
});

describe("a file that cannot be used", () => {
  test("is one that is no MMDB", () => {
    expect(() => opened(fileOf(Buffer.from("not one")))).toThrow("it is not a MaxMind DB (MMDB) file");
    expect(() => opened(fileOf(Buffer.alloc(0)))).toThrow("it is not a MaxMind DB (MMDB) file");
  });

  test("is one that is not there", () => {
    expect(() => opened(join(temporaryDirectory(), "none.mmdb"))).toThrow("ENOENT");
  });

  test("is a directory", () => {
    expect(() => opened(temporaryDirectory())).toThrow("it is not a regular file");
  });

  test("is one that is too large", () => {
    const file = fileOf(makePlaces());
    truncateSync(file, 1024 ** 3 + 1);
    expect(() => opened(file)).toThrow("it has 1073741825 bytes; at most 1073741824 are allowed");
  });

  test("is one whose tree is cut off", () => {
    const bytes = makePlaces();
    expect(() => opened(fileOf(bytes.subarray(1_000)))).toThrow(
      "it is a damaged MaxMind DB (MMDB) file: its tree",
    );
  });

  test("is one that was cut off anywhere at its end", () => {
    const bytes = makePlaces();
    for (let length = bytes.length - 1; length >= bytes.length - 200; length--)
      expect(() => opened(fileOf(bytes.subarray(0, length))), `${length} bytes`).toThrow(/MMDB/);
  });
});

test("a damaged file is refused, or knows less", () => {
  const damage = fc.record({ at: fc.nat(makePlaces().length - 1), byte: fc.nat(255) });
  const file = fileOf(makePlaces());
  fc.assert(
    fc.property(fc.array(damage, { minLength: 1, maxLength: 5 }), (damages) => {
      const bytes = makePlaces();
      for (const { at, byte } of damages) bytes[at] = byte;
      writeFileSync(file, bytes);
      let places: Places;
      try {
        places = Places.open(file, SILENT);
      } catch (error) {
        expect(String(error)).toMatch(/^Error: it is .*MMDB/);
        return;
      }
      for (const address of ["192.0.2.1", "198.51.100.1", "2001:db8::1", "8.8.8.8"]) {
        expect(places.fields(address).country).toMatch(/^(?:[A-Z]{2})?$/);
      }
      places.close();
    }),
    { numRuns: 300 },
  );
});

describe("a file that changes", () => {
  /** A file in use, and a way to wait until it was looked at. */
  function inUse() {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const file = fileOf(makePlaces());
    const messages: string[] = [];
    const logger = pino(
      { base: null },
      { write: (line: string) => void messages.push(JSON.parse(line).msg) },
    );
    const places = opened(file, logger);
    expect(places.fields("192.0.2.1")).toEqual(BERLIN);
    /** Whoever waits for a minute waits until the next one is waited for. */
    const afterMinute = async () => {
      vi.advanceTimersByTime(60_000);
      await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1));
    };
    return { file, places, messages, afterMinute };
  }

  const OLD_STAYS = "the changed file of places cannot be used; the old one stays in use";

  test("is read anew when it was replaced", async () => {
    const { file, places, messages, afterMinute } = inUse();
    writeFileSync(`${file}.new`, AUSTRIA);
    renameSync(`${file}.new`, file);
    await afterMinute();
    expect(places.fields("192.0.2.1")).toEqual({ country: "AT", region: "" });
    expect(messages).toEqual(["the changed file of places is in use"]);
  });

  test("is read anew when it was written over", async () => {
    const { file, places, afterMinute } = inUse();
    writeFileSync(file, AUSTRIA);
    await afterMinute();
    expect(places.fields("192.0.2.1").country).toBe("AT");
  });

  test("is not read while it stays the same", async () => {
    const { messages, afterMinute } = inUse();
    await afterMinute();
    await afterMinute();
    expect(messages).toEqual([]);
  });

  test("stays in use when the new one is not valid, with one warning", async () => {
    const { file, places, messages, afterMinute } = inUse();
    writeFileSync(file, AUSTRIA.subarray(0, 500));
    await afterMinute();
    await afterMinute();
    expect(places.fields("192.0.2.1")).toEqual(BERLIN);
    expect(places.fields("192.0.2.2")).toEqual(BERLIN);
    expect(messages).toEqual([OLD_STAYS]);
  });

  test("stays in use when it is gone, with one warning, until there is one again", async () => {
    const { file, places, messages, afterMinute } = inUse();
    rmSync(file);
    await afterMinute();
    await afterMinute();
    expect(places.fields("192.0.2.2")).toEqual(BERLIN);
    expect(messages).toEqual([OLD_STAYS]);
    copyFileSync(PLACES_FILE, file);
    await afterMinute();
    expect(messages).toHaveLength(2);
  });

  test("is looked at no more after the end", () => {
    const { places } = inUse();
    places.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});

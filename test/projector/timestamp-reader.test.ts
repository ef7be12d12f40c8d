import fc from "fast-check";
import { expect, test } from "vitest";
import { formatTimestamp } from "../../src/ingest/timestamp.ts";
import { TimestampReader } from "../../src/projector/timestamp-reader.ts";

const anyTime = fc.oneof(
  fc.date({
    min: new Date("0000-01-01T00:00:00Z"),
    max: new Date("9999-12-31T23:59:59.999Z"),
    noInvalidDate: true,
  }),
  fc.date({ min: new Date("2025-11-12"), max: new Date("2025-11-14"), noInvalidDate: true }),
);

test("it reads canonical timestamps, wherever they are, one after the other", () => {
  const reader = new TimestampReader();
  const digits = fc.constantFrom("", "5", "5", "123", "123456");
  fc.assert(
    fc.property(anyTime, digits, fc.nat(3), (time, finer, before) => {
      const timestamp = formatTimestamp(time.getTime());
      // Of nanoseconds, those below a millisecond are left out.
      const text = timestamp.includes(".") ? timestamp.replace("Z", `${finer}Z`) : timestamp;
      const bytes = Buffer.from(`${"9".repeat(before)}${text}9`);
      expect(reader.read(bytes, before, before + text.length)).toBe(time.getTime());
    }),
  );
});

test("what is too short is no timestamp, whatever follows", () => {
  const bytes = Buffer.from("2025-11-12T19:30:01Z");
  expect(new TimestampReader().read(bytes, 0, 19)).toBeNaN();
  expect(new TimestampReader().read(bytes, 0, 0)).toBeNaN();
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { type Columns, pack, unpack } from "../../src/columns/chunk.ts";
import { ChunkBuilder } from "../../src/columns/chunk-builder.ts";
import { decodeIntegers, decodeNumbers, decodeTexts } from "../../src/columns/column.ts";

interface Row {
  readonly time: number;
  readonly visitor: number;
  readonly path: string;
}

function chunk(rows: readonly Row[]): Columns {
  const builder = new ChunkBuilder();
  for (const { time, visitor, path } of rows) {
    const row = builder.addRow();
    builder.numbers("time").set(row, time);
    builder.integers("visitor").set(row, visitor);
    builder.texts("path").set(row, path);
  }
  return builder.columns();
}

function rowsIn(columns: Columns, count: number): Row[] {
  const [time, visitor, path] = [columns.get("time"), columns.get("visitor"), columns.get("path")];
  const times = time && decodeNumbers(time);
  const visitors = visitor && decodeIntegers(visitor);
  const paths = path && decodeTexts(path);
  return Array.from({ length: count }, (_, row) => ({
    time: times?.[row] ?? 0,
    visitor: visitors?.[row] ?? 0,
    path: paths?.dictionary[paths.codes[row] ?? 0] ?? "",
  }));
}

const anyRows = fc.array(
  fc.record({
    time: fc.integer({ min: 0, max: 1e12 }),
    visitor: fc.nat(3),
    path: fc.constantFrom("", "/", "/a", "/ü"),
  }),
  { maxLength: 80 },
);

test("a chunk has the rows that were put into it, and chunks put together have those of all, in order", () => {
  fc.assert(
    fc.property(fc.array(anyRows, { maxLength: 4 }), (parts) => {
      const whole = new ChunkBuilder();
      for (const part of parts) whole.append(unpack(pack(chunk(part))));
      const rows = parts.flat();
      // A chunk of rows that are 0 and empty in all columns has no column, and cannot say how many they are.
      const counted = parts
        .filter((part) => part.some(({ time, visitor, path }) => time !== 0 || visitor !== 0 || path !== ""))
        .flat();
      if (counted.length < rows.length) return;
      expect(whole.rows).toBe(rows.length);
      expect(rowsIn(whole.columns(), rows.length)).toEqual(rows);
    }),
  );
});

test("a column that has nothing is left out", () => {
  const columns = chunk([{ time: 5, visitor: 0, path: "" }]);
  expect([...columns.keys()]).toEqual(["time"]);
});

// The values of dimensions that are texts, event by event. Each distinct value is looked at once in a chunk, however many
// events have it.

import type { TextColumn } from "../columns/column.ts";
import type { TextDimension } from "./plan.ts";
import type { SessionFacts } from "./session-facts.ts";
import type { EventChunk } from "./site-events.ts";

/** What a row of a chunk has of a dimension: a code, of which `text` is the value. */
export interface Values {
  /** undefined when all rows have the same value, the one with the code 0. */
  readonly codeOf: ((row: number) => number) | undefined;
  readonly text: (code: number) => string;
}

const ALL_EMPTY: Values = { codeOf: undefined, text: () => "" };

/** `sessionsOf` gives the sessions of the rows, 0 for none; undefined when none has one. */
export function valuesOf(
  dimension: TextDimension,
  chunk: EventChunk,
  facts: SessionFacts,
  sessionsOf: () => Uint32Array | undefined,
): Values {
  switch (dimension.kind) {
    case "event":
      return valuesOfColumn(chunk.texts(dimension.name), (text) => text);
    case "prop":
      return valuesOfColumn(chunk.texts("props"), (props) => propOf(props, dimension.key));
    case "visit": {
      const sessions = sessionsOf();
      const page = dimension.name === "entry_page" ? "entry" : "exit";
      const codeOf = (row: number) => {
        const session = sessions?.[row] ?? 0;
        return session === 0 ? 0 : facts[page](session);
      };
      return { codeOf, text: (code) => facts.paths.text(code) };
    }
  }
}

function valuesOfColumn(column: TextColumn | undefined, valueIn: (text: string) => string): Values {
  if (!column) return ALL_EMPTY;
  const { codes, dictionary } = column;
  return {
    codeOf: (row) => codes[row] ?? 0,
    text: (code) => valueIn(dictionary[code] ?? ""),
  };
}

/** Of the JSON that a chunk has as the props of an event; empty when there is none with that key. */
function propOf(props: string, key: string): string {
  if (props === "") return "";
  const value: unknown = Object.entries(JSON.parse(props)).find(([name]) => name === key)?.[1];
  return typeof value === "string" ? value : "";
}

// Dimensions by their names.

import { type Checked, checked, quoted, refused } from "./checked.ts";
import {
  type Dimension,
  EVENT_DIMENSIONS,
  type TextDimension,
  TIME_UNITS,
  type TimeUnit,
  VISIT_DIMENSIONS,
} from "./plan.ts";

const TIME_PREFIX = "time:";
const PROP_PREFIX = "props.";
/** In bytes of UTF-8: longer keys are in no event. */
const MAX_PROP_KEY_BYTES = 300;
const TIMES = TIME_UNITS.map((unit) => TIME_PREFIX + unit).join(", ");
const TEXTS = [...EVENT_DIMENSIONS, ...VISIT_DIMENSIONS, `${PROP_PREFIX}KEY`].join(", ");

/** The dimension with that name; `field` is where it stands in the question. */
export function dimensionOf(name: string, field: string): Checked<Dimension> {
  if (!name.startsWith(TIME_PREFIX)) return textDimensionOf(name, field, `${TIMES}, ${TEXTS}`);
  const unit = timeUnitOf(name.slice(TIME_PREFIX.length));
  if (unit === undefined) return unknown(name, field, TIMES);
  return checked({ kind: "time", unit });
}

/** The same for what a filter looks at, which cannot be a time. */
export function filterDimensionOf(name: string, field: string): Checked<TextDimension> {
  if (!name.startsWith(TIME_PREFIX)) return textDimensionOf(name, field, TEXTS);
  return refused(
    `${field} is ${quoted(name)}, but a filter cannot look at the time: use range, or from and to`,
  );
}

function textDimensionOf(name: string, field: string, known: string): Checked<TextDimension> {
  if (name.startsWith(PROP_PREFIX)) return propOf(name.slice(PROP_PREFIX.length), field);
  for (const event of EVENT_DIMENSIONS) if (event === name) return checked({ kind: "event", name: event });
  for (const visit of VISIT_DIMENSIONS) if (visit === name) return checked({ kind: "visit", name: visit });
  return unknown(name, field, known);
}

function propOf(key: string, field: string): Checked<TextDimension> {
  const bytes = Buffer.byteLength(key);
  if (bytes >= 1 && bytes <= MAX_PROP_KEY_BYTES) return checked({ kind: "prop", key });
  return refused(
    `${field} has a key of props of ${bytes} bytes; it must be 1 to ${MAX_PROP_KEY_BYTES} bytes long`,
  );
}

function timeUnitOf(name: string): TimeUnit | undefined {
  return TIME_UNITS.find((unit) => unit === name);
}

function unknown(name: string, field: string, known: string) {
  return refused(`${field} has the unknown dimension ${quoted(name)}; known are ${known}`);
}

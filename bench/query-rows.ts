// Rows of an answer, as they are compared.

/** The text of the dimension, then the metrics. */
export type Row = readonly [string, ...number[]];

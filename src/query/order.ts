// In what order rows come, and which of them.

import type { QueryStatsRequest } from "../../gen/ts/analytics/v1/query_pb.ts";
import { allChecked, type Checked, checked, duplicateOf, quoted, refused } from "./checked.ts";
import type { Dimension, OrderKey } from "./plan.ts";

const MAX_LIMIT = 10_000;
const DEFAULT_LIMIT = 100;

/** The order asked for, or the one by default, and after it the dimensions that it lacks. `dimensions` are those asked for. */
export function orderOf(
  { orderBy, metrics, dimensions: names }: QueryStatsRequest,
  dimensions: readonly Dimension[],
): Checked<readonly OrderKey[]> {
  const most = metrics.length + names.length;
  if (orderBy.length > most) {
    return refused(
      `order_by has ${orderBy.length} keys; only the ${most} metrics and dimensions can be ordered by`,
    );
  }
  const twice = duplicateOf(orderBy.map(({ key }) => key));
  if (twice !== undefined) return refused(`order_by has ${quoted(twice)} twice`);
  const asked = allChecked(orderBy, ({ key, descending }, index): Checked<OrderKey> => {
    const metric = metrics.indexOf(key);
    if (metric >= 0) return checked({ by: "metric", index: metric, descending });
    const dimension = names.indexOf(key);
    if (dimension >= 0) return checked({ by: "dimension", index: dimension, descending });
    const known = [...metrics, ...names].map(quoted).join(", ");
    return refused(`order_by[${index}].key is ${quoted(key)}; it must be asked for, as are ${known}`);
  });
  if (!asked.ok) return asked;
  const order = asked.value.length > 0 ? asked.value : [defaultKey(dimensions)];
  const rest = dimensions.map((_, index) => ascending(index));
  const isIn = ({ index }: OrderKey) => order.some((key) => key.by === "dimension" && key.index === index);
  return checked([...order, ...rest.filter((key) => !isIn(key))]);
}

/** How many rows are asked for: infinite when it is all of them. */
export function limitOf(limit: number, dimensions: readonly Dimension[]): Checked<number> {
  if (limit < 0 || limit > MAX_LIMIT) {
    return refused(
      `limit is ${limit}; it must be 1 to ${MAX_LIMIT}, or 0 for ${DEFAULT_LIMIT} or a whole series`,
    );
  }
  if (limit > 0) return checked(limit);
  const isSeries = dimensions.length === 1 && dimensions[0]?.kind === "time";
  return checked(isSeries ? Number.POSITIVE_INFINITY : DEFAULT_LIMIT);
}

function defaultKey(dimensions: readonly Dimension[]): OrderKey {
  const time = dimensions.findIndex(({ kind }) => kind === "time");
  return time >= 0 ? ascending(time) : { by: "metric", index: 0, descending: true };
}

function ascending(dimension: number): OrderKey {
  return { by: "dimension", index: dimension, descending: false };
}

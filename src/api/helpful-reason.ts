// What connect-node and protobuf-es say of a request that they refuse, in words that say what to do.

import { createRegistry } from "@bufbuild/protobuf";
import { file_analytics_v1_analytics } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { file_analytics_v1_query } from "../../gen/ts/analytics/v1/query_pb.ts";
import { file_analytics_v1_settings } from "../../gen/ts/analytics/v1/settings_pb.ts";

const TYPES = createRegistry(
  ...[file_analytics_v1_analytics, file_analytics_v1_query, file_analytics_v1_settings],
);

const UNKNOWN_FIELD = /^cannot decode message (\S+) from JSON: key (".*") is unknown$/s;
const NO_ENUM = /^cannot decode enum (\S+) from JSON: (.*)$/s;

/** `reason` in better words, or as it is when it is no other's. */
export function helpfulReason(reason: string): string {
  return unknownField(reason) ?? noEnum(reason) ?? reason;
}

function unknownField(reason: string): string | undefined {
  const [, type = "", field] = UNKNOWN_FIELD.exec(reason) ?? [];
  const names = TYPES.getMessage(type)?.fields.map(({ name }) => name);
  if (!names) return undefined;
  return `${type} has no field ${field}; it has ${names.join(", ") || "none"}`;
}

/** Value 0 stands for nothing: whoever means that leaves the field out. */
function noEnum(reason: string): string | undefined {
  const [, type = "", value] = NO_ENUM.exec(reason) ?? [];
  const names = TYPES.getEnum(type)?.values.filter(({ number }) => number !== 0);
  return names && `${type} has no value ${value}; it has ${names.map(({ name }) => name).join(", ")}`;
}

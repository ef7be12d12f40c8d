// What connect-node and protobuf-es say of a request that they refuse, in words that say what to do.

import { createRegistry } from "@bufbuild/protobuf";
import { AnalyticsService, file_analytics_v1_analytics } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { file_analytics_v1_query } from "../../gen/ts/analytics/v1/query_pb.ts";
import { file_analytics_v1_settings } from "../../gen/ts/analytics/v1/settings_pb.ts";
import { once } from "../once.ts";

const types = once(() =>
  createRegistry(...[file_analytics_v1_analytics, file_analytics_v1_query, file_analytics_v1_settings]),
);

const UNKNOWN_FIELD = /^cannot decode message (\S+) from JSON: key (".*") is unknown$/s;
/** How long the request is, when it says so; the limit; and when it is only too long decompressed. */
const TOO_LARGE =
  /^message (?:size )?(?:(\d+) )?is larger than configured readMaxBytes (\d+)( after decompression)?$/;
const NO_ENUM = /^cannot decode enum (\S+) from JSON: (.*)$/s;

/** What makes a request for a method smaller. */
const ADVICE = new Map([[AnalyticsService.method.ingestEvents.name, ": send fewer events at a time"]]);

/** `reason`, why a request for `method` is refused, in better words; or as it is when it is none of theirs. */
export function helpfulReason(reason: string, method: string): string {
  return unknownField(reason) ?? noEnum(reason) ?? tooLarge(reason, method) ?? reason;
}

function tooLarge(reason: string, method: string): string | undefined {
  const [, bytes, most, decompressed = ""] = TOO_LARGE.exec(reason) ?? [];
  if (most === undefined) return undefined;
  const length = bytes === undefined ? `too long${decompressed}` : `${bytes} bytes long`;
  return `the request is ${length}; at most ${most} bytes are allowed${ADVICE.get(method) ?? ""}`;
}

function unknownField(reason: string): string | undefined {
  const [, type = "", field] = UNKNOWN_FIELD.exec(reason) ?? [];
  const names = types()
    .getMessage(type)
    ?.fields.map(({ name }) => name);
  if (!names) return undefined;
  return `${type} has no field ${field}; it has ${names.join(", ") || "none"}`;
}

/** Value 0 stands for nothing: whoever means that leaves the field out. */
function noEnum(reason: string): string | undefined {
  const [, type = "", value] = NO_ENUM.exec(reason) ?? [];
  const names = types()
    .getEnum(type)
    ?.values.filter(({ number }) => number !== 0);
  return names && `${type} has no value ${value}; it has ${names.map(({ name }) => name).join(", ")}`;
}

// Checks what is said about sites.

import type { Filter } from "../../gen/ts/analytics/v1/query_pb.ts";
import { filterOf, MAX_VALUE_BYTES } from "../query/filters.ts";
import { isTimeZone } from "../query/time-zones.ts";
import type { Setting } from "./ingest.ts";
import { textProblem } from "./text.ts";
import { MAX_SITE_ID_BYTES } from "./validate.ts";

/** Of a site's name, and of a goal's. */
const MAX_NAME_BYTES = 256;

/** What is wrong with a setting, fit to be shown to whoever made it; undefined when nothing is. */
export function settingProblem(setting: Setting): string | undefined {
  if (setting.siteId === "") return "Missing required field: site_id";
  const problem =
    textProblem("site_id", setting.siteId, MAX_SITE_ID_BYTES) ??
    textProblem("name", setting.name, MAX_NAME_BYTES);
  if (problem !== undefined) return problem;
  if (setting.$typeName === "analytics.v1.RecordedSite") return timeZoneProblem(setting.timeZone);
  if (setting.name === "") return "Missing required field: name";
  return setting.filter && filterProblem(setting.filter);
}

function filterProblem(filter: Filter): string | undefined {
  const checked = filterOf(filter, "filter");
  if (!checked.ok) return checked.reason;
  // Not for the question's sake, but for the log's: it has no text with NUL.
  for (const text of textsOf(filter)) {
    const problem = textProblem("a text in filter", text, MAX_VALUE_BYTES, true);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function textsOf({ kind }: Filter): string[] {
  switch (kind.case) {
    case "condition":
      return [kind.value.dimension, ...kind.value.values];
    case "and":
    case "or":
      return kind.value.filters.flatMap(textsOf);
    case "not":
      return textsOf(kind.value);
    case undefined:
      return [];
  }
}

function timeZoneProblem(timeZone: string): string | undefined {
  if (timeZone === "" || isTimeZone(timeZone)) return undefined;
  return "time_zone must be the IANA name of a time zone, such as Europe/Berlin";
}

// Checks what is said about sites.

import { filterOf } from "../query/filters.ts";
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
  const filter = setting.filter && filterOf(setting.filter, "filter");
  return filter?.ok === false ? filter.reason : undefined;
}

function timeZoneProblem(timeZone: string): string | undefined {
  if (timeZone === "" || isTimeZone(timeZone)) return undefined;
  return "time_zone must be the IANA name of a time zone, such as Europe/Berlin";
}

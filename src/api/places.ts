// The database of countries and regions, opened from the file that the settings name.

import type { Logger } from "pino";
import type { ServeConfig } from "../config.ts";
import { Places } from "../enrich/places.ts";

/** Undefined without --geoip. Throws an error that names setting and file when that is not what it should be. */
export function openPlaces({ geoip }: ServeConfig, logger: Logger): Places | undefined {
  if (geoip === undefined) return undefined;
  try {
    return Places.open(geoip, logger);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new Error(`the file ${geoip} of --geoip cannot be used: ${detail}`, { cause: error });
  }
}

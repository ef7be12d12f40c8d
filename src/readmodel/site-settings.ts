// What was last said about a site, as the read model has it.

import type Database from "better-sqlite3";

export interface SiteSettings {
  /** Empty when it has none. */
  readonly name: string;
  /** An IANA name. */
  readonly timeZone: string;
  /** The goals by their names, which are in order: filters (proto/analytics/v1/query.proto) as JSON. */
  readonly goals: ReadonlyMap<string, string>;
}

/** Of a site that nothing was said about. */
export const NO_SETTINGS: SiteSettings = { name: "", timeZone: "UTC", goals: new Map() };

/** Reads the settings of the site with a number. A generation of an earlier version has none: it throws an SqliteError. */
export function siteSettingsReader(database: Database.Database): (site: number) => SiteSettings {
  let read: ReturnType<typeof prepare> | undefined;
  return (number) => {
    read ??= prepare(database);
    return read(number);
  };
}

function prepare(database: Database.Database): (site: number) => SiteSettings {
  const site = database.prepare<[number], { name: string; time_zone: string }>(
    "SELECT name, time_zone FROM sites WHERE id = ?",
  );
  const goals = database
    .prepare<[number], [string, string]>("SELECT name, filter FROM goals WHERE site = ? ORDER BY name")
    .raw();
  return (number) => {
    const { name, time_zone: timeZone } = site.get(number) ?? { name: "", time_zone: "" };
    return { name, timeZone: timeZone || NO_SETTINGS.timeZone, goals: new Map(goals.all(number)) };
  };
}

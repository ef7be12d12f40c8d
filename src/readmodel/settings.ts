// What was last said about sites and goals.

import { toJsonString } from "@bufbuild/protobuf";
import type { Database, Statement } from "better-sqlite3";
import { FilterSchema } from "../../gen/ts/analytics/v1/query_pb.ts";
import type { LoggedSetting } from "../projector/event-decoder.ts";

export class Settings {
  readonly #setSite: Statement<[string, string, number]>;
  readonly #setGoal: Statement<[number, string, string]>;
  readonly #removeGoal: Statement<[number, string]>;

  constructor(database: Database) {
    this.#setSite = database.prepare("UPDATE sites SET name = ?, time_zone = ? WHERE id = ?");
    this.#setGoal = database.prepare("INSERT OR REPLACE INTO goals VALUES (?, ?, ?)");
    this.#removeGoal = database.prepare("DELETE FROM goals WHERE site = ? AND name = ?");
  }

  /** Takes a setting of the site with the number `site`; they come in log order. */
  add(site: number, setting: LoggedSetting): void {
    if (setting.$typeName === "analytics.v1.RecordedSite") {
      this.#setSite.run(setting.name, setting.timeZone, site);
    } else if (setting.filter) {
      this.#setGoal.run(site, setting.name, toJsonString(FilterSchema, setting.filter));
    } else this.#removeGoal.run(site, setting.name);
  }
}

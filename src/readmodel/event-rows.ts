// Collects the rows of the table `events`.

import type { LoggedEvent } from "../projector/event-decoder.ts";
import type { EventColumns } from "./changes.ts";

export class EventRows {
  readonly #ids: number[] = [];
  readonly #siteIds: string[] = [];
  readonly #types: string[] = [];
  readonly #paths: (string | null)[] = [];
  readonly #userIds: (string | null)[] = [];
  readonly #timestamps: string[] = [];

  add({ offset, siteId, eventType, path, userId, timestamp }: LoggedEvent): void {
    this.#ids.push(offset + 1);
    this.#siteIds.push(siteId);
    this.#types.push(eventType);
    this.#paths.push(path || null);
    this.#userIds.push(userId || null);
    this.#timestamps.push(timestamp);
  }

  columns(): EventColumns {
    return {
      ids: Float64Array.from(this.#ids),
      ...{ siteIds: this.#siteIds, types: this.#types, paths: this.#paths },
      ...{ userIds: this.#userIds, timestamps: this.#timestamps },
    };
  }
}

// Collects the rows of the table `events`.

import type { LoggedEvent } from "../projector/event-decoder.ts";
import type { EventColumns } from "./changes.ts";
import { GrowingNumbers } from "./growing-numbers.ts";

export class EventRows {
  readonly #ids = new GrowingNumbers();
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
      ids: this.#ids.values(),
      ...{ siteIds: this.#siteIds, types: this.#types, paths: this.#paths },
      ...{ userIds: this.#userIds, timestamps: this.#timestamps },
    };
  }
}

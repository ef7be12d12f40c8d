// The rows of the table `events`.

import type { LoggedEvent } from "../projector/event-decoder.ts";
import type { EventColumns } from "./changes.ts";
import { joined } from "./joined-texts.ts";

export function eventRows(events: readonly LoggedEvent[]): EventColumns {
  return {
    ids: new Float64Array(events.map(({ offset }) => offset + 1)),
    siteIds: joined(events.map(({ siteId }) => siteId)),
    types: joined(events.map(({ eventType }) => eventType)),
    paths: joined(events.map(({ path }) => path)),
    userIds: joined(events.map(({ userId }) => userId)),
    timestamps: joined(events.map(({ timestamp }) => timestamp)),
  };
}

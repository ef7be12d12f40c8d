// Event ids as they are stored. Most are UUIDs, which are stored as their 16 bytes: a third of their text. Rows of ids are by their
// order, so that nearly each new one changes a page, and the fewer pages there are the better. Two ids are stored alike only when they
// are the same text.

/** In the one form of which the bytes say all (RFC 9562, section 4). */
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Ids, apart by how they are stored. */
export interface IdKinds {
  readonly uuids: readonly string[];
  readonly others: readonly string[];
}

export function kindsOf(eventIds: readonly string[]): IdKinds {
  const [uuids, others]: [string[], string[]] = [[], []];
  for (const eventId of eventIds) (UUID.test(eventId) ? uuids : others).push(eventId);
  return { uuids, others };
}

/** The hexadecimal digits of a UUID. */
export function digitsOf(uuid: string): string {
  return uuid.replaceAll("-", "");
}

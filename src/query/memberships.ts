// Whose the events of a chunk are, group by group. What one call gives holds until the next one.

import type { Distinct, Membership } from "./distinct.ts";
import type { RowTest } from "./row-test.ts";
import { scratch } from "./scratch.ts";

/** Some events that pass, by their place in a chunk: `rows` and `groups` have one for each of them. */
export interface Selected {
  readonly count: number;
  readonly rows: Uint32Array;
  readonly groups: Uint32Array;
}

export class Memberships {
  #members = new Uint32Array(0);
  #groups = new Uint32Array(0);
  #places = new Uint32Array(0);

  /** What the selected rows have in `column`; none where they do not pass `test`, if there is one. */
  of({ count, rows, groups }: Selected, column: Uint32Array | undefined, test?: RowTest): Membership {
    this.#members = scratch(this.#members, count);
    const members = this.#members;
    if (!column) members.fill(0, 0, count);
    else if (test) putPassing(rows, count, column, test, members);
    else putAll(rows, count, column, members);
    return { count, groups, members };
  }

  /** All of `members`, in one group. */
  allIn(group: number, members: Uint32Array): Membership {
    const count = members.length;
    this.#groups = scratch(this.#groups, count).fill(group, 0, count);
    return { count, groups: this.#groups, members };
  }

  /** The places of the members that are new in their groups. */
  fresh(membership: Membership, seen: Distinct): Uint32Array {
    this.#places = scratch(this.#places, membership.count);
    return this.#places.subarray(0, seen.addAll(membership, this.#places));
  }
}

function putAll(rows: Uint32Array, count: number, column: Uint32Array, members: Uint32Array): void {
  for (let at = 0; at < count; at += 1) members[at] = column[rows[at] ?? 0] ?? 0;
}

function putPassing(
  rows: Uint32Array,
  count: number,
  column: Uint32Array,
  test: RowTest,
  members: Uint32Array,
): void {
  for (let at = 0; at < count; at += 1) {
    const row = rows[at] ?? 0;
    members[at] = test(row) ? (column[row] ?? 0) : 0;
  }
}

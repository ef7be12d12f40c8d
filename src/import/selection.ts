// Which of the successful GETs are sent. How those of bots are sent, so that they count or not, is no part of it: the
// events have the same ids either way, so of each hit the first event that was sent decides.

/** What is kept besides page views by people. */
export interface Selection {
  /** Static files. */
  readonly assets: boolean;
  /** Known bots. */
  readonly bots: boolean;
}

/** What a hit is. */
export interface HitKind {
  readonly asset: boolean;
  readonly bot: boolean;
}

export function selects(selection: Selection, hit: HitKind): boolean {
  return (selection.assets || !hit.asset) && (selection.bots || !hit.bot);
}

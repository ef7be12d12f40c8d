// Which of the successful GETs are sent.

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

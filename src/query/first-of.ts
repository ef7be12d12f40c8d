// The first ones in an order, when these are few of many: by a heap, without putting all of them in order.

/** The `count` first ones of `items`, in order. */
export function firstOf(
  items: readonly number[],
  count: number,
  compare: (a: number, b: number) => number,
): number[] {
  if (count >= items.length) return items.toSorted(compare);
  /** What is kept: a binary heap, the last one of them on top. */
  const kept = items.slice(0, count);
  for (let at = (kept.length >>> 1) - 1; at >= 0; at -= 1) sink(kept, at, compare);
  for (let at = count; at < items.length; at += 1) {
    const [item, last] = [items[at], kept[0]];
    if (item === undefined || last === undefined || compare(item, last) >= 0) continue;
    kept[0] = item;
    sink(kept, 0, compare);
  }
  return kept.sort(compare);
}

/** Moves the item at `from` down until none below it comes after it. */
function sink(heap: number[], from: number, compare: (a: number, b: number) => number): void {
  const item = heap[from];
  if (item === undefined) return;
  let at = from;
  for (let below = 2 * at + 1; below < heap.length; below = 2 * at + 1) {
    const right = below + 1;
    if (right < heap.length && compare(heap[right] ?? 0, heap[below] ?? 0) > 0) below = right;
    const last = heap[below] ?? 0;
    if (compare(last, item) <= 0) break;
    heap[at] = last;
    at = below;
  }
  heap[at] = item;
}

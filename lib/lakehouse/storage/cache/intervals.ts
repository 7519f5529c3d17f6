import type { ByteRange } from "../store.js";

/*
 * Sets of bytes as lists of ranges: sorted by start, without overlap or contact, none of them empty.
 */

/** Any ranges as such a list. Ranges with at most `gap` bytes between them become one. */
export function normalize(ranges: readonly ByteRange[], gap = 0): ByteRange[] {
  const sorted = ranges.filter(({ start, end }) => end > start).sort((a, b) => a.start - b.start);
  const merged: ByteRange[] = [];
  for (const range of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && range.start <= last.end + gap) {
      merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, range.end) };
    } else merged.push(range);
  }
  return merged;
}

/** What is in `wanted` and not in `have`. Both are normalized, and so is the result. */
export function subtract(wanted: readonly ByteRange[], have: readonly ByteRange[]): ByteRange[] {
  const missing: ByteRange[] = [];
  let next = 0;
  for (const { start, end } of wanted) {
    let at = start;
    while (next < have.length && (have[next]?.end ?? 0) <= at) next++;
    for (let i = next; at < end; i++) {
      const held = have[i];
      if (held === undefined || held.start >= end) {
        missing.push({ start: at, end });
        break;
      }
      if (held.start > at) missing.push({ start: at, end: held.start });
      at = held.end;
    }
  }
  return missing;
}

/** Number of bytes in a normalized list. */
export function byteCount(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** The same bytes in ranges of at most `most` bytes each. */
export function split(ranges: readonly ByteRange[], most: number): ByteRange[] {
  return ranges.flatMap(({ start, end }) =>
    Array.from({ length: Math.ceil((end - start) / most) }, (_, i) => ({
      start: start + i * most,
      end: Math.min(end, start + (i + 1) * most),
    })),
  );
}

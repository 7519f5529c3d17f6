/** A rectangle, in parts of the whole: 0 to 1. */
export interface Tile {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Divides a rectangle into tiles whose areas are as the weights, and which are as square as that allows: row by row along
 * the shorter side, a row taking tiles as long as that makes its worst one squarer (Bruls, Huizing and van Wijk,
 * "Squarified Treemaps", 2000).
 *
 * @param weights the largest first, none negative
 * @param aspect width of the whole by its height
 */
export function squarify(weights: readonly number[], aspect: number): Tile[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total === 0) return weights.map(() => ({ x: 0, y: 0, width: 0, height: 0 }));
  const areas = weights.map((weight) => (weight / total) * aspect);
  const tiles: Tile[] = [];
  const free = { x: 0, y: 0, width: aspect, height: 1 };
  for (let at = 0; at < areas.length; ) {
    const side = Math.min(free.width, free.height);
    let row = [areas[at] ?? 0];
    while (at + row.length < areas.length) {
      const longer = [...row, areas[at + row.length] ?? 0];
      if (worst(longer, side) > worst(row, side)) break;
      row = longer;
    }
    const depth = row.reduce((sum, area) => sum + area, 0) / side || 0;
    let along = 0;
    const isColumn = free.width >= free.height;
    for (const area of row) {
      const length = depth === 0 ? 0 : area / depth;
      tiles.push(
        isColumn
          ? { x: free.x, y: free.y + along, width: depth, height: length }
          : { x: free.x + along, y: free.y, width: length, height: depth },
      );
      along += length;
    }
    if (isColumn) [free.x, free.width] = [free.x + depth, Math.max(0, free.width - depth)];
    else [free.y, free.height] = [free.y + depth, Math.max(0, free.height - depth)];
    at += row.length;
  }
  return tiles.map(({ x, y, width, height }) => ({ x: x / aspect, y, width: width / aspect, height }));
}

/** How far from a square the worst tile of a row is. */
function worst(row: readonly number[], side: number): number {
  const sum = row.reduce((total, area) => total + area, 0);
  const [most, least] = [Math.max(...row), Math.min(...row)];
  if (least === 0 || sum === 0) return Number.POSITIVE_INFINITY;
  return Math.max((side * side * most) / (sum * sum), (sum * sum) / (side * side * least));
}

/**
 * The names that are close to one which does not exist, best first: off by a letter in three, or a part of one another.
 * For a hint, which is only one where it is likely to be right: names with little in common are none.
 */
export function nearNames(wanted: string, candidates: Iterable<string>, most = 1): string[] {
  const from = wanted.toLowerCase();
  return [...candidates]
    .map((name) => ({ name, distance: nameDistance(from, name.toLowerCase()) }))
    .filter(({ distance }) => distance !== undefined)
    .sort((a, b) => (a.distance as number) - (b.distance as number) || (a.name < b.name ? -1 : 1))
    .slice(0, most)
    .map(({ name }) => name);
}

/** A part of a name says which is meant from so many letters on. */
const TELLING_PART = 4;

/** `undefined` for names that are not close. */
function nameDistance(a: string, b: string): number | undefined {
  const [shorter, longer] = a.length < b.length ? [a, b] : [b, a];
  if (shorter.length >= TELLING_PART && longer.includes(shorter)) return 1;
  const limit = Math.floor(longer.length / 3);
  if (longer.length - shorter.length > limit) return undefined;
  const distance = editDistance(a, b);
  return distance <= limit ? distance : undefined;
}

/** Insertions, deletions, replacements and exchanges of neighbours that turn one word into the other. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isExchange = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const exchanged = isExchange ? (before[j - 2] as number) + 1 : replaced;
      current.push(
        Math.min(replaced, exchanged, (previous[j] as number) + 1, (current[j - 1] as number) + 1),
      );
    }
    [before, previous] = [previous, current];
  }
  return previous[b.length] as number;
}

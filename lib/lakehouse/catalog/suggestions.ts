/** One sentence that names the candidate closest to what was asked for, or says what there is. */
export function nearest(wanted: string, candidates: readonly string[]): string {
  if (candidates.length === 0) return "There are none yet.";
  const limit = Math.max(2, Math.floor(wanted.length / 3));
  const [best] = candidates
    .map((name) => ({ name, distance: editDistance(wanted.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  if (best !== undefined && best.distance <= limit) return `Did you mean ${best.name}?`;
  const shown = candidates.slice(0, 5).join(", ");
  return `There ${candidates.length === 1 ? "is" : "are"} ${shown}${candidates.length > 5 ? ", …" : ""}.`;
}

/** Insertions, deletions and replacements that turn one word into the other. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[j] as number) + 1, (current[j - 1] as number) + 1));
    }
    previous = current;
  }
  return previous[b.length] as number;
}

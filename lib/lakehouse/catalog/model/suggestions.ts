import { nearNames } from "../../errors.js";

/** One sentence that names the candidate closest to what was asked for, or says what there is. */
export function nearest(wanted: string, candidates: readonly string[]): string {
  if (candidates.length === 0) return "There are none yet.";
  const [best] = nearNames(wanted, candidates);
  if (best !== undefined) return `Did you mean ${best}?`;
  const shown = candidates.slice(0, 5).join(", ");
  return `There ${candidates.length === 1 ? "is" : "are"} ${shown}${candidates.length > 5 ? ", …" : ""}.`;
}

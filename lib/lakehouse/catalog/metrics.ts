import { eventChannel, metric } from "../observability/index.js";

/** A branch of the embedded catalog that was moved by commits of this process, or could not be. */
export interface BranchMove {
  readonly branch: string;
  /** Changes that went along: those which came at the same time move it together. */
  readonly changes: number;
  /** How often the branch was elsewhere when it was to be moved. */
  readonly retries: number;
  /** `ok`, or the code of the error. */
  readonly outcome: string;
  readonly milliseconds: number;
}

export const branchMoves = eventChannel<BranchMove>("catalog.move", { level: "info" });

export const metrics = [
  metric(
    branchMoves,
    {
      name: "catalog.move.duration",
      kind: "histogram",
      unit: "ms",
      help: "Moves of branches, by how long they took.",
    },
    { value: ({ milliseconds }) => milliseconds, labels: ({ outcome }) => ({ outcome }) },
  ),
  metric(
    branchMoves,
    {
      name: "catalog.move.failures",
      kind: "counter",
      unit: "1",
      help: "Moves of branches that failed as a whole: conflicts of single changes are none.",
    },
    { value: ({ outcome }) => (outcome === "ok" ? undefined : 1) },
  ),
  metric(
    branchMoves,
    { name: "catalog.changes", kind: "counter", unit: "1", help: "Changes that went along with moves." },
    { value: ({ changes }) => changes },
  ),
  metric(
    branchMoves,
    {
      name: "catalog.retries",
      kind: "counter",
      unit: "1",
      help: "How often a branch had been moved by somebody else meanwhile.",
    },
    { value: ({ retries }) => (retries > 0 ? retries : undefined) },
  ),
];

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

/** A request to a server of a catalog, with all of its tries. */
export interface CatalogCall {
  readonly method: string;
  /** Below the server's base. */
  readonly path: string;
  /** Undefined where there was no answer, or a refusal: the outcome says which. */
  readonly status: number | undefined;
  readonly outcome: string;
  readonly milliseconds: number;
}

export const catalogCalls = eventChannel<CatalogCall>("catalog.call");

/** A request that this process has answered as a server of the catalog. */
export interface CatalogRequest {
  readonly method: string;
  /** The pattern of its path, without anybody's names. */
  readonly route: string;
  readonly status: number;
  /** `ok`; `refused` for a status from 400 up, `fault` from 500 up. */
  readonly outcome: "ok" | "refused" | "fault";
  readonly milliseconds: number;
}

export const catalogRequests = eventChannel<CatalogRequest>("catalog.request");

export const metrics = [
  metric(
    catalogCalls,
    {
      name: "catalog.call.duration",
      kind: "histogram",
      unit: "ms",
      help: "Requests to servers of catalogs, with all of their tries.",
    },
    { value: ({ milliseconds }) => milliseconds, labels: ({ method, outcome }) => ({ method, outcome }) },
  ),
  metric(
    catalogRequests,
    {
      name: "catalog.request.duration",
      kind: "histogram",
      unit: "ms",
      help: "Requests that were answered as a server of the catalog.",
    },
    { value: ({ milliseconds }) => milliseconds, labels: ({ method, outcome }) => ({ method, outcome }) },
  ),
  metric(
    catalogRequests,
    {
      name: "catalog.request.faults",
      kind: "counter",
      unit: "1",
      help: "Requests to the server of the catalog that ended in a fault of its own.",
    },
    { value: ({ outcome }) => (outcome === "fault" ? 1 : undefined) },
  ),
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

import { createRequire } from "node:module";
import type { MimeBundle } from "../file/nbformat.js";

/** Says what is off by throwing, by returning a sentence or by returning false. */
export type CheckFunction = (t: CheckTools) => CheckOutcome | Promise<CheckOutcome>;
// A check usually is a block of statements without a return.
// biome-ignore lint/suspicious/noConfusingVoidType: the type of such a function
export type CheckOutcome = void | undefined | boolean | string;

/** Comparisons whose messages a learner can act on. */
export interface CheckTools {
  /** Compares by value; `what` names the thing: "rows per day". */
  equal(actual: unknown, expected: unknown, what?: string): void;
  /** True within `tolerance`, which is relative: 0.01 is one percent of `expected`. */
  close(actual: number, expected: number, tolerance?: number, what?: string): void;
  ok(condition: unknown, message: string): void;
}

/** What the cells of one notebook have in hand between them, shared with the kernel that runs them. */
export interface Recorder {
  /** Recordings not yet shown: the kernel waits for them before it closes the cell. */
  readonly pending: Set<Promise<unknown>>;
  /** Checks by the name of their exercise, for the reference solution to be held against. */
  readonly checks: Map<string, CheckFunction>;
  /** Data sets asked for: name to path. */
  readonly datasets: Map<string, string>;
}

const KEY = Symbol.for("sololakehouse.recorder");

/** One for each process: a registered symbol finds it from whichever copy of this module was loaded. */
export function recorder(): Recorder {
  const holder = globalThis as { [KEY]?: Recorder };
  holder[KEY] ??= { pending: new Set(), checks: new Map(), datasets: new Map() };
  return holder[KEY];
}

/** Keeps the kernel waiting for `work`, so that a forgotten `await` does not lose what it records. */
export function keepPending<T>(work: Promise<T>): Promise<T> {
  const { pending } = recorder();
  const settled = work.then(
    () => {},
    () => {},
  );
  pending.add(settled);
  void settled.then(() => pending.delete(settled));
  // A promise of its own, on which nobody listens yet: a failure that no cell awaits still comes up as unhandled.
  return work.then((value) => value);
}

interface TslabJupyter {
  lastWriteDisplayData?: (content: {
    data: MimeBundle;
    metadata: Record<string, unknown>;
    transient: Record<string, unknown>;
  }) => void;
}

/**
 * Shows one output that has several forms (text, HTML, SVG, JSON), of which a front end picks the best it knows.
 * Outside a notebook it prints the text.
 *
 * tslab's own `display` sends each form as an output of its own. Its channel is found among the loaded modules,
 * since loading it anew would start a second TypeScript, and would not be the kernel's copy.
 */
export function show(data: MimeBundle & { readonly "text/plain": string }): void {
  const { cache } = createRequire(import.meta.url);
  const loaded = Object.keys(cache).find((path) => /[\\/]tslab[\\/]dist[\\/]jupyter\.js$/.test(path));
  const jupyter = loaded === undefined ? undefined : (cache[loaded]?.exports as TslabJupyter);
  if (jupyter?.lastWriteDisplayData) {
    jupyter.lastWriteDisplayData({ data, metadata: {}, transient: {} });
  } else {
    console.log(data["text/plain"]);
  }
}

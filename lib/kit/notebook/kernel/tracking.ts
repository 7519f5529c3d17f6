import { describeDiagnostics, describeError, type StackContext } from "./failure.js";
import type { KernelFailure } from "./protocol.js";
import { type Converter, cellUrl, type Diagnostic, type Mapping, type Tslab } from "./tslab.js";

/** The cells that a kernel runs, one after the other, and how what goes wrong in them is told. */
export interface Tracking {
  readonly context: StackContext;
  /** The converter, watched. */
  watch(converter: Converter): Converter;
  /** Says which cell comes next, and the number that it has. */
  begin(cell: number, count: number): void;
  /** What tslab complains of, in terms of cells: the diagnostics of the cell, or else what it threw. */
  describe(thrown: unknown): KernelFailure;
  /** The complaints of the type check about the cell. */
  diagnostics(): readonly Diagnostic[];
}

export function trackCells(tslab: Tslab, root: string): Tracking {
  const mappings = new Map<number, Mapping>();
  const counts = new Map<number, number>();
  const context: StackContext = { mappings, counts, root };
  let current = -1;
  let diagnostics: readonly Diagnostic[] = [];
  return {
    context,
    watch: (real) => ({
      ...real,
      convert(declarations, source) {
        const converted = real.convert(declarations, source);
        diagnostics = converted.diagnostics;
        if (converted.output !== undefined) {
          mappings.set(current, tslab.takeMapping());
          converted.output += `\n//# sourceURL=${cellUrl(current)}`;
        }
        return converted;
      },
    }),
    begin(cell, count) {
      current = cell;
      counts.set(cell, count);
      diagnostics = [];
    },
    describe: (thrown) =>
      diagnostics.length > 0 ? describeDiagnostics(diagnostics) : describeError(thrown, current, context),
    diagnostics: () => diagnostics,
  };
}

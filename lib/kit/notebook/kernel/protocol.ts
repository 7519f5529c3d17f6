import type { MimeBundle, Output } from "../file/nbformat.js";

/** What the supervisor tells the child process, one message a cell. */
export type ToKernel =
  | {
      readonly type: "execute";
      /** Position among all cells, from 0. */
      readonly cell: number;
      readonly source: string;
      /** Exercises whose reference solution this cell is. */
      readonly solutions: readonly string[];
    }
  | { readonly type: "finish" };

/** An error as the supervisor writes it into the notebook. */
export interface KernelFailure {
  readonly name: string;
  readonly message: string;
  readonly frames: readonly string[];
  /** Line in the cell that failed, from 1, where the stack shows it. */
  readonly line?: number | undefined;
}

export type FromKernel =
  | { readonly type: "ready"; readonly tslab: string }
  | {
      readonly type: "output";
      readonly cell: number;
      readonly output: Output;
      readonly displayId?: string | undefined;
    }
  | {
      readonly type: "update";
      readonly displayId: string;
      readonly data: MimeBundle;
      readonly metadata: Readonly<Record<string, unknown>>;
    }
  | { readonly type: "failed"; readonly cell: number; readonly failure: KernelFailure }
  | { readonly type: "executed"; readonly cell: number }
  | {
      readonly type: "finished";
      readonly datasets: Readonly<Record<string, string>>;
      /** Paths of the project's data files that cells have read. */
      readonly files: readonly string[];
      /** Those that cells have written. */
      readonly written: readonly string[];
    };

import type { Hash } from "../model/hash.js";
import type { MergedTable } from "../model/table-merge.js";
import type { StoreContext } from "./context.js";
import type { ThreeWay } from "./merge.js";

/** Where the changes of one three-way merge come from. */
export interface From {
  readonly name: string;
  readonly isMerge: boolean;
}

/** One attempt to combine changes with a head, and the tables that it wrote for that. */
export class MergeAttempt {
  readonly #context: StoreContext;
  readonly #dryRun: boolean;
  readonly #written: Extract<MergedTable, { content: unknown }>[] = [];
  /** The commit that it made, if it came so far. */
  to: Hash | undefined;

  constructor(context: StoreContext, dryRun: boolean) {
    this.#context = context;
    this.#dryRun = dryRun;
  }

  mergeTable({ name, isMerge }: From): ThreeWay["mergeTable"] {
    return async (tables) => {
      const merged = await this.#context.mergeTables?.({
        ...tables,
        from: name,
        isMerge,
        dryRun: this.#dryRun,
      });
      if (merged !== undefined && "content" in merged) this.#written.push(merged);
      return merged;
    };
  }

  /** @param head where the branch is now because of the change that this was an attempt of; `undefined` where it failed. */
  async settle(head: Hash | undefined): Promise<void> {
    const committed = this.to !== undefined && this.to === head;
    // What is left over is only garbage: failing to delete it must not hide how the change ended.
    for (const table of this.#written) await table.settle(committed).catch(() => {});
  }
}

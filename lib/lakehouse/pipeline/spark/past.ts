import type { BranchingCatalog } from "../../catalog/index.js";
import type { Snapshot, Table } from "../../iceberg/index.js";

/**
 * Snapshots that tables have let go of. Spark reads what came between two snapshots by what the catalog says of all in
 * between: it is shown a catalog that still knows them. Their files are there as long as nothing has deleted them.
 */
export class Past {
  /** By branch, then by table. */
  readonly #gone = new Map<string, ReadonlyMap<string, readonly Snapshot[]>>();

  /** Runs some work, while the tables of a branch are shown with these snapshots, too. */
  async during<Result>(
    branch: string,
    gone: ReadonlyMap<string, readonly Snapshot[]>,
    work: () => Promise<Result>,
  ): Promise<Result> {
    this.#gone.set(branch, gone);
    try {
      return await work();
    } finally {
      this.#gone.delete(branch);
    }
  }

  /** The catalog as it is shown. */
  shown(catalog: BranchingCatalog): BranchingCatalog {
    const on = (ref: string) => this.shown(catalog.on(ref));
    const loadTable = async (name: Parameters<BranchingCatalog["loadTable"]>[0]) =>
      this.#with(await catalog.loadTable(name), catalog.ref);
    const own: Readonly<Record<string | symbol, unknown>> = { on, loadTable };
    return new Proxy(catalog, {
      get(target, name) {
        const value = own[name] ?? Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  #with<Loaded extends Table>(table: Loaded, branch: string): Loaded {
    const known = new Set(table.metadata.snapshots.map(({ snapshotId }) => snapshotId));
    const gone = (this.#gone.get(branch)?.get(table.name) ?? []).filter(
      ({ snapshotId }) => !known.has(snapshotId),
    );
    if (gone.length === 0) return table;
    const { metadata } = table;
    return table.view({ ...metadata, snapshots: [...gone, ...metadata.snapshots] }, undefined) as Loaded;
  }
}

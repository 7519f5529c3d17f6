import type { Table } from "../../../lib/lakehouse/iceberg/index.js";
import type { World } from "../world.js";

/** A table that we write and others read. */
export interface ZooTable {
  readonly name: string;
  /** Engines that cannot read it, whoever wrote it, with the reason. */
  readonly beyond?: { readonly [engine in "pyiceberg" | "spark"]?: string };
  /** PyIceberg 0.12 reads a null list or map of structs as an empty one: the columns of that kind. */
  readonly emptied?: readonly string[];
  make(world: World): Promise<Table>;
}

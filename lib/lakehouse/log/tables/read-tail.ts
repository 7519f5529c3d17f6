import type { Table } from "../../iceberg/index.js";
import type { LogCore } from "../core.js";
import { SchemaRegistry } from "../schemas/registry.js";
import type { TableTail } from "./tail.js";

/** As `tailOf`. It brings Arrow along, which most who use a log do not need. @internal */
export async function readTail(core: LogCore, table: Table): Promise<TableTail | undefined> {
  const { tailOf } = await import("./tail.js");
  return tailOf(core, new SchemaRegistry(core), table);
}

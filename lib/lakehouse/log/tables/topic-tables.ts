import type { Catalog, TableName } from "../../catalog/index.js";
import { closed, unsupported } from "../../errors.js";
import type { LogCore } from "../core.js";
import type { SchemaRegistry } from "../schemas/registry.js";
import type { ToTableOptions } from "./options.js";
import type { TableStream } from "./table-stream.js";

/** Makes tables of a log's topics, and ends what follows them. */
export class TopicTables {
  readonly #core: LogCore;
  readonly #registry: SchemaRegistry;
  readonly #catalog: Catalog | undefined;
  readonly #streams = new Set<TableStream>();
  #isClosed = false;

  constructor(core: LogCore, registry: SchemaRegistry, catalog: Catalog | undefined) {
    this.#core = core;
    this.#registry = registry;
    this.#catalog = catalog;
  }

  /** @throws LakehouseError as `Topic.toTable`; UNSUPPORTED_FEATURE for a log without a catalog */
  async open(topic: string, name: TableName, options: ToTableOptions): Promise<TableStream> {
    const catalog = this.#catalog;
    if (catalog === undefined)
      throw unsupported(
        topic,
        "This log has no catalog to make tables in.",
        "Open a lakehouse, and use lake.log.",
      );
    // It brings Arrow along, which most who open a log do not need.
    const { TableStream } = await import("./table-stream.js");
    if (this.#isClosed) throw closed("log");
    const parts = { core: this.#core, registry: this.#registry, catalog };
    const stream = await TableStream.open(parts, topic, name, options);
    this.#streams.add(stream);
    const forget = () => this.#streams.delete(stream);
    stream.done.then(forget, forget);
    if (this.#isClosed) await stream.close();
    return stream;
  }

  /** Commits what was read, and ends all. Why one could not go on was said by its `done`. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled([...this.#streams].map((stream) => stream.close()));
  }
}

import type { LogCore } from "../core.js";
import { OnFirstUse } from "../on-first-use.js";
import { followState, stateTopic } from "../state/open-state.js";
import type { StateTopic } from "../state/state-topic.js";
import { SchemaCatalog } from "./catalog.js";
import { keyOfEntry, REGISTRY_FORMAT, type RegistryEntry } from "./entries.js";

/** What a call of the registry changes, and answers. */
export interface RegistryChange<Result> {
  /** Entries to write, and keys of those to delete: all of them, or none. */
  readonly entries: readonly (RegistryEntry | string)[];
  readonly result: Result;
}

const TOPIC = "__schemas";

/** The registry's entries, in a topic of the log: in the object store before a change is answered. */
export class RegistryState {
  readonly #core: LogCore;
  readonly #state = new OnFirstUse(async () =>
    followState(this.#core, await stateTopic(this.#core, TOPIC, 1), 0, REGISTRY_FORMAT),
  );
  /** One change after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(core: LogCore) {
    this.#core = core;
  }

  /** What there is now, be it written by others. */
  async read(): Promise<SchemaCatalog> {
    return readAnew(await this.#state.get());
  }

  /** @param work gets what is there, which nobody changes meanwhile. */
  change<Result>(
    work: (catalog: SchemaCatalog) => RegistryChange<Result> | Promise<RegistryChange<Result>>,
  ): Promise<Result> {
    const change = this.#turn.then(async () => {
      const state = await this.#state.get();
      await this.#core.startWritingTo(await this.#core.topic(TOPIC), 0);
      const { entries, result } = await work(await readAnew(state));
      await state.write(
        entries.map((entry) => (typeof entry === "string" ? [entry, undefined] : [keyOfEntry(entry), entry])),
        "stored",
      );
      return result;
    });
    this.#turn = change.catch(() => {});
    return change;
  }
}

async function readAnew(state: StateTopic<RegistryEntry>): Promise<SchemaCatalog> {
  await state.refresh();
  return new SchemaCatalog([...state.entries()].map(([, entry]) => entry));
}

import type { Content } from "../../../lib/lakehouse/catalog/model/content.js";
import { findReachable, type Reachability } from "../../../lib/lakehouse/catalog/store/reachability.js";
import { finishSweep, type SweptFiles, sweep } from "../../../lib/lakehouse/catalog/store/sweep.js";
import { VersionStore } from "../../../lib/lakehouse/catalog/store/version-store.js";
import { LakehouseError } from "../../../lib/lakehouse/errors.js";
import { put, table } from "./contents.js";
import { Actor, type Decision, interleave } from "./interleaving.js";
import type { Place } from "./places.js";

/** Everything is older than that: the worst that clocks and grace periods can do. */
const TOMORROW = new Date(Date.now() + 86_400_000);

/** A catalog and its metadata files, and the processes that work with them. */
export class Model {
  readonly #place: Place;
  /** Metadata files that are there. */
  readonly files = new Set<string>();
  /** Commits that a branch was told to have: they stay in its history. */
  readonly acknowledged: { readonly branch: string; readonly hash: string }[] = [];

  constructor(place: Place) {
    this.#place = place;
  }

  open(actor?: Actor): VersionStore {
    const hasFile = async (uri: string): Promise<boolean> => {
      const look = () => this.files.has(uri);
      return actor === undefined ? look() : actor.request(look);
    };
    return new VersionStore(this.#place.open(actor), { hasFile });
  }

  /** Writes a metadata file and commits it, as a table does. */
  async commit(
    store: VersionStore,
    branch: string,
    id: string,
    state: number,
    actor?: Actor,
  ): Promise<string> {
    const content = table(id, state);
    const { commit } = await store.resolve(branch);
    const write = (): void => void this.files.add(locationOf(content));
    if (actor === undefined) write();
    else await actor.request(write);
    const { hash } = await store.commit(branch, [put([id], content)], { message: "m", seen: commit.seen });
    this.acknowledged.push({ branch, hash });
    return hash;
  }

  /** What `collectGarbage` does, with files that have no files below them. */
  async collect(store: VersionStore, actor?: Actor, cutoff = TOMORROW): Promise<boolean> {
    const { context } = store;
    const at = <T>(apply: () => T): Promise<T> =>
      actor === undefined ? Promise.resolve(apply()) : actor.request(apply);
    const swept: SweptFiles = {
      // Each may arrive at another time.
      delete: async (uris) => void (await Promise.all(uris.map((uri) => at(() => this.files.delete(uri))))),
      lead: async (contents, doomed) => contents.some((content) => doomed.has(locationOf(content))),
    };
    for (let attempt = 0; attempt < 3; attempt++) {
      const state = await finishSweep(context, swept);
      const found = await findReachable(context, cutoff);
      const live = new Set([...found.liveContents].map(locationOf));
      // Those of dead commits, and orphans.
      const dead = (await at(() => [...this.files])).filter((uri) => !live.has(uri) && cutoff === TOMORROW);
      if (await sweep(context, state, found, dead, swept)) return true;
    }
    return false;
  }

  /** Every ref and all it leads to, read by a process that has nothing in its cache. */
  async check(): Promise<Reachability> {
    const store = this.open();
    // Throws for a missing object.
    const found = await findReachable(store.context, TOMORROW);
    for (const content of found.liveContents) {
      if (!this.files.has(locationOf(content))) throw new Error(`${locationOf(content)} is gone.`);
    }
    for (const { branch, hash } of this.acknowledged) {
      const { commit } = await store.resolve(branch);
      if (!(await store.contains(commit, await store.commitAt(hash)))) throw new Error(`${hash} was lost.`);
    }
    return found;
  }

  /** Runs programs at once in the order decided, then what comes late; then everything must be whole, and nothing left. */
  async run(
    programs: Readonly<Record<string, (store: VersionStore, actor: Actor) => Promise<unknown>>>,
    decide: (running: readonly Actor[]) => Decision,
    afterwards: (store: VersionStore) => Promise<unknown> = async () => {},
  ): Promise<Actor[]> {
    const actors = Object.entries(programs).map(([name, program]) => {
      const actor = new Actor(name);
      return { actor, program: () => program(this.open(actor), actor) };
    });
    const late = await interleave(actors, decide);
    await this.check();
    await refusable(afterwards(this.open()));
    for (const apply of late) apply();
    await new Promise((resolve) => setImmediate(resolve));
    await this.check();
    // What a crash has left is cleared up by the next who comes.
    if (!(await this.collect(this.open()))) throw new Error("Nobody is there, and garbage is not collected.");
    const { dead, deadRefs, liveContents } = await this.check();
    const needed = new Set([...liveContents].map(locationOf));
    const left = [...this.files].filter((uri) => !needed.has(uri));
    if (dead.length + deadRefs.length + left.length > 0) {
      throw new Error(
        `Garbage stays: ${dead.length} objects, ${deadRefs.length} refs, ${left.length} files.`,
      );
    }
    for (const { actor } of actors) if (!actor.isCrashed) await refusable(outcomeOf(actor));
    return actors.map(({ actor }) => actor);
  }
}

async function outcomeOf({ outcome }: Actor): Promise<void> {
  if (outcome.error !== undefined) throw outcome.error;
}

/** What a writer may be told where garbage is collected: that the thing is going, or gone. Never anything else. */
async function refusable(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    const codes = ["REF_CONFLICT", "COMMIT_CONFLICT", "NO_SUCH_REF", "REF_EXISTS"];
    if (!(error instanceof LakehouseError && codes.includes(error.code))) throw error;
  });
}

function locationOf(content: Content): string {
  return content.type === "NAMESPACE" ? "" : content.metadataLocation;
}

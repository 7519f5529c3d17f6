import { invalidArgument } from "../../errors.js";
import { noSuchRef } from "../../iceberg/index.js";
import type { Hash } from "../model/hash.js";
import { couldBeHash } from "../model/reference-expression.js";
import type { ReferenceType } from "../model/references.js";
import { nearest } from "../model/suggestions.js";
import type { MergeTables } from "../model/table-merge.js";
import type { InTurn } from "../model/turns.js";
import type { WaitingChange } from "./advance.js";
import type { Backend } from "./backend.js";
import type { ObjectCache } from "./object-cache.js";
import { type RefState, readRef, readRefs } from "./refs.js";
import type { ReplacedLocations } from "./replaced-locations.js";
import { requireSameLake } from "./same-lake.js";

/** What the operations of a version store work with. */
export interface StoreContext {
  readonly backend: Backend;
  readonly objects: ObjectCache;
  /** Milliseconds since 1970 UTC. */
  readonly now: () => number;
  /** Who acts where a call does not say. */
  readonly author: string;
  /** By the name of the ref. */
  readonly inTurn: InTurn;
  /** Locations of metadata files that others have taken the place of, see `LakeRecord`. */
  readonly replaced: ReplacedLocations;
  /** How many relocations of the lake it was opened after; `undefined` where it has no record of any. */
  readonly relocations?: number | undefined;
  /** Whether a metadata file is where a content says. */
  readonly hasFile: (uri: string) => Promise<boolean>;
  /** Puts together what two sides changed in one table; a conflict always, where there is nobody who can. */
  readonly mergeTables?: MergeTables | undefined;
  /** Changes that wait for their turn, by the name of the branch. */
  readonly waiting: Map<string, WaitingChange[]>;
}

/** A ref that exists. Throws `NO_SUCH_REF` with a name that is close. */
export async function liveRef(
  context: StoreContext,
  name: string,
  type?: ReferenceType,
): Promise<RefState & { hash: Hash }> {
  const state = await readRef(context.backend, name);
  requireSameLake(context, state === undefined ? [] : [state]);
  if (state?.hash === undefined) {
    const others = (await readRefs(context.backend)).filter(({ hash }) => hash !== undefined);
    throw noSuchRef(
      name,
      `There is no branch or tag ${name}.`,
      couldBeHash(name)
        ? `For a commit write @${name}.`
        : nearest(
            name,
            others.map((ref) => ref.name),
          ),
    );
  }
  if (type !== undefined && state.type !== type) {
    throw invalidArgument(
      name,
      `${name} is a ${state.type.toLowerCase()}, not a ${type.toLowerCase()}.`,
      type === "BRANCH" ? "Only branches take commits: create one from it." : "Give the name of a tag.",
    );
  }
  return state as RefState & { hash: Hash };
}

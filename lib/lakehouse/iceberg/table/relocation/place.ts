import { unsupported } from "../../../errors.js";
import type { ObjectStore } from "../../../storage/index.js";

/** Reads files by the locations that they had before a move, and knows where each of them is to be found after it. */
export interface FormerFiles extends ObjectStore {
  /** Where what had this location is now: the same where it has stayed. */
  locate(location: string): string;
}

/** From where to where a lake is relocated, and what the files are named that are written for it. */
export class Place {
  /** Reads by the locations from before. */
  readonly store: FormerFiles;
  /** Writes by the locations that hold now: the new root may lie below the old one, and then a text alone is ambiguous. */
  readonly target: ObjectStore;
  readonly #suffix: string;

  /** @param id of the relocation: files of another one, or of one that failed, have other names. */
  constructor(store: FormerFiles, target: ObjectStore, id: string) {
    this.store = store;
    this.target = target;
    this.#suffix = `-r${id}`;
  }

  /** True for what was recorded below the root that is left. */
  holds(location: string): boolean {
    return this.moved(location) !== location;
  }

  /** Where a file that keeps its name is now. What lies outside of the lake keeps its place. */
  moved(location: string): string {
    const isAbsolute = /^[a-z][a-z0-9+.-]*:/i.test(location) || location.startsWith("/");
    return isAbsolute ? this.store.locate(location) : location;
  }

  /**
   * Where the new file goes that replaces one: beside it, so that old and new never share a name.
   *
   * @throws LakehouseError UNSUPPORTED_FEATURE for a file outside of the lake, where nothing is written.
   */
  replacement(location: string): string {
    if (!this.holds(location)) {
      throw unsupported(
        location,
        `${location} names files of the lake, and lies outside of it: it cannot be written anew there.`,
        "Unregister its table, relocate, and register the table again.",
      );
    }
    const moved = this.moved(location);
    const slash = moved.lastIndexOf("/") + 1;
    return moved.slice(0, slash) + this.#named(moved.slice(slash));
  }

  /** Hadoop's `v3.metadata.json` becomes `00003-r….metadata.json`: the version must be found in a name (spec, Appendix F). */
  #named(name: string): string {
    const hadoop = /^v(\d+)(?=(?:\.gz)?\.metadata\.json)/.exec(name);
    if (hadoop !== null) {
      return `${(hadoop[1] as string).padStart(5, "0")}${this.#suffix}${name.slice(hadoop[0].length)}`;
    }
    const dot = name.indexOf(".");
    return dot < 0 ? `${name}${this.#suffix}` : `${name.slice(0, dot)}${this.#suffix}${name.slice(dot)}`;
  }
}

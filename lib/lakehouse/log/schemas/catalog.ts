import type { RegistryEntry, StoredSchema, StoredSettings, StoredVersion } from "./entries.js";
import { guidOf } from "./guid.js";

/** The registry's entries, by what one asks for. */
export class SchemaCatalog {
  readonly #schemas = new Map<number, StoredSchema>();
  readonly #byHash = new Map<string, StoredSchema>();
  /** By number, in their order. */
  readonly #subjects = new Map<string, Map<number, StoredVersion>>();
  readonly #settings = new Map<string, StoredSettings>();
  /** Above every id that was ever given. */
  readonly next: number;

  constructor(entries: Iterable<RegistryEntry>) {
    let next = 1;
    const versions: StoredVersion[] = [];
    for (const entry of entries) {
      if (entry.kind === "settings") this.#settings.set(entry.subject, entry);
      else if (entry.kind === "version") versions.push(entry);
      else {
        if (entry.kind === "schema") {
          this.#schemas.set(entry.id, entry);
          this.#byHash.set(entry.hash, entry);
        }
        next = Math.max(next, entry.kind === "next" ? entry.id : entry.id + 1);
      }
    }
    for (const version of versions.sort((a, b) => a.version - b.version)) {
      const of = this.#subjects.get(version.subject) ?? new Map<number, StoredVersion>();
      this.#subjects.set(version.subject, of.set(version.version, version));
    }
    this.next = next;
  }

  schema(id: number): StoredSchema | undefined {
    return this.#schemas.get(id);
  }

  byHash(hash: string): StoredSchema | undefined {
    return this.#byHash.get(hash);
  }

  /** Of the schema that has a GUID. */
  idOf(guid: string): number | undefined {
    for (const { id, hash } of this.#schemas.values()) if (guidOf(hash) === guid) return id;
    return undefined;
  }

  /** By name. @param deleted with those of which every version was softly deleted. */
  subjects(deleted: boolean): string[] {
    return [...this.#subjects.keys()].filter((subject) => this.versions(subject, deleted).length > 0).sort();
  }

  /** In their order; none where there is no such subject. */
  versions(subject: string, deleted: boolean): StoredVersion[] {
    return [...(this.#subjects.get(subject)?.values() ?? [])].filter(
      (version) => deleted || !version.deleted,
    );
  }

  version(subject: string, version: number): StoredVersion | undefined {
    return this.#subjects.get(subject)?.get(version);
  }

  /** The versions, of whichever subjects, that are a schema. */
  uses(id: number, deleted: boolean): StoredVersion[] {
    return this.subjects(deleted).flatMap((subject) =>
      this.versions(subject, deleted).filter((version) => version.id === id),
    );
  }

  /** The ids of the schemas in use that refer to a version. */
  referrers(subject: string, version: number): number[] {
    return [...this.#schemas.values()]
      .filter(({ references }) =>
        references.some((each) => each.subject === subject && each.version === version),
      )
      .map(({ id }) => id)
      .filter((id) => this.uses(id, false).length > 0);
  }

  settings(subject: string): StoredSettings | undefined {
    return this.#settings.get(subject);
  }
}

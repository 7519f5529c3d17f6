/** What deletes versions of a subject: softly at first, so that records that name them are still read; then for good. */
import {
  schemaVersionDeleted,
  schemaVersionNotDeleted,
  subjectDeleted,
  subjectNotDeleted,
} from "../errors.js";
import type { SchemaCatalog } from "./catalog.js";
import { keyOfEntry, type RegistryEntry, type StoredVersion } from "./entries.js";
import { checkUnused, checkWritable, type VersionNumber, versionOf, versionsOf } from "./lookups.js";
import type { RegistryChange } from "./registry-state.js";

/** All versions of a subject. */
export function subjectDeletion(
  catalog: SchemaCatalog,
  subject: string,
  isPermanent: boolean,
): RegistryChange<number[]> {
  const all = versionsOf(catalog, subject, true);
  const live = all.filter(({ deleted }) => !deleted);
  checkWritable(catalog, subject);
  if (isPermanent && live.length > 0)
    throw subjectNotDeleted(subject, `${subject} was not deleted softly before.`, "Delete it softly first.");
  if (!isPermanent && live.length === 0)
    throw subjectDeleted(
      subject,
      `${subject} was deleted softly.`,
      "Delete it for good, or register a schema.",
    );
  const gone = isPermanent ? all : live;
  for (const { version } of gone) checkUnused(catalog, subject, version);
  return {
    entries: gone.map((version) => deletionOf(version, isPermanent)),
    result: gone.map(({ version }) => version),
  };
}

/** One version. */
export function versionDeletion(
  catalog: SchemaCatalog,
  subject: string,
  number: VersionNumber,
  isPermanent: boolean,
): RegistryChange<number> {
  const found = versionOf(catalog, subject, number, true);
  const name = `${subject} version ${found.version}`;
  checkWritable(catalog, subject);
  if (isPermanent && !found.deleted)
    throw schemaVersionNotDeleted(name, `${name} was not deleted softly before.`, "Delete it softly first.");
  if (!isPermanent && found.deleted)
    throw schemaVersionDeleted(name, `${name} was deleted softly.`, "Delete it for good, or leave it.");
  checkUnused(catalog, subject, found.version);
  return { entries: [deletionOf(found, isPermanent)], result: found.version };
}

function deletionOf(version: StoredVersion, isPermanent: boolean): RegistryEntry | string {
  return isPermanent ? keyOfEntry(version) : { ...version, deleted: true };
}

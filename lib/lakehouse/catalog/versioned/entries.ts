import { randomUUID } from "node:crypto";
import { invalidArgument } from "../../errors.js";
import { commitStateUnknown, type TableIdentifier } from "../../iceberg/index.js";
import { recordedLocation } from "../../storage/index.js";
import type { NamespaceName, Properties, TableName } from "../model/catalog.js";
import {
  type ContentId,
  type ContentKey,
  type IcebergTableContent,
  type IcebergViewContent,
  keyName,
} from "../model/content.js";
import { namespaceKey, tableKey, tableLocation, toIdentifier } from "../model/identifiers.js";
import type { Page, PageRequest } from "../model/paging.js";
import { toPage } from "../model/paging.js";
import { checkPropertySize } from "../model/property-limits.js";
import type { Place } from "../model/versions.js";
import type { Checkout } from "./checkout.js";
import { discard } from "./files.js";
import { explained, requireNamespace, retried } from "./namespaces.js";

/** A table or view as the catalog keeps it: where its metadata file is. */
type Pointer = IcebergTableContent | IcebergViewContent;

/** What sets tables and views apart. */
export interface Kind<C extends Pointer, Metadata> {
  readonly noun: "table" | "view";
  readonly type: C["type"];
  toContent(id: ContentId, metadataLocation: string, metadata: Metadata): C;
  read(checkout: Checkout, metadataLocation: string): Promise<Metadata>;
  /** Answers with the URI of the file. */
  write(checkout: Checkout, metadata: Metadata, version: number): Promise<string>;
}

interface Loaded<Metadata> {
  readonly metadata: Metadata;
  /** URI of the metadata file. */
  readonly metadataLocation: string;
}

/** What a key holds at a commit. Throws `NO_SUCH_TABLE` or `NO_SUCH_VIEW`. */
export async function requireEntry<C extends Pointer, M>(
  checkout: Checkout,
  kind: Kind<C, M>,
  place: Place,
  key: ContentKey,
): Promise<C> {
  const content = await checkout.shared.versions.content(place, key);
  if (content?.type === kind.type) return content as C;
  throw await (kind.noun === "table" ? checkout.noSuchTable(key, place) : checkout.noSuchView(key, place));
}

export async function loadEntry<C extends Pointer, M>(
  checkout: Checkout,
  kind: Kind<C, M>,
  key: ContentKey,
  place?: Place,
): Promise<Loaded<M>> {
  const { metadataLocation } = await requireEntry(checkout, kind, place ?? (await checkout.head()), key);
  return { metadata: await kind.read(checkout, metadataLocation), metadataLocation };
}

/** Writes the metadata that `make` gives for a location, then commits its entry. */
export async function createEntry<C extends Pointer, M extends { readonly properties: Properties }>(
  checkout: Checkout,
  kind: Kind<C, M>,
  name: TableName,
  givenLocation: string | undefined,
  make: (location: string) => M,
): Promise<Loaded<M>> {
  const key = tableKey(name);
  const { store, warehouse } = checkout.shared;
  const create = async (): Promise<Loaded<M>> => {
    // Refused before anything is written: there is no writing to an older commit.
    checkout.branch();
    await requireFree(checkout, key);
    const location = recordedLocation(store, givenLocation ?? tableLocation(warehouse, key, randomUUID()));
    checkLocation(store.root, location);
    const metadata = make(location);
    checkPropertySize(kind.noun, keyName(key), metadata.properties);
    const metadataLocation = await kind.write(checkout, metadata, 0);
    const content = kind.toContent(randomUUID(), metadataLocation, metadata);
    try {
      const message = `Create ${kind.noun} ${keyName(key)}`;
      await checkout.commit([{ type: "PUT", key, content, expected: null }], { message });
    } catch (error) {
      if (!commitStateUnknown.is(error)) await discard(store, [metadataLocation]);
      throw await explained(checkout, key, error);
    }
    return { metadata, metadataLocation };
  };
  return checkout.once(create, (made) => loadEntry(checkout, kind, key, made));
}

/** Takes over what exists as files. `overwrite` puts it in the place of the one of that name. */
export async function registerEntry<C extends Pointer, M>(
  checkout: Checkout,
  kind: Kind<C, M>,
  name: TableName,
  location: string,
  overwrite: boolean,
): Promise<Loaded<M>> {
  const key = tableKey(name);
  const metadataLocation = recordedLocation(checkout.shared.store, location);
  const register = async (): Promise<Loaded<M>> => {
    if (!overwrite) await requireFree(checkout, key);
    const metadata = await kind.read(checkout, metadataLocation);
    await retried(async () => {
      const existing = await checkout.content(key);
      if (existing !== undefined && (existing.type !== kind.type || !overwrite))
        throw checkout.taken(key, existing);
      const content = kind.toContent(existing?.id ?? randomUUID(), metadataLocation, metadata);
      try {
        const message = `Register ${kind.noun} ${keyName(key)}`;
        await checkout.commit([{ type: "PUT", key, content, expected: existing ?? null }], { message });
      } catch (error) {
        throw await explained(checkout, key, error);
      }
    });
    return { metadata, metadataLocation };
  };
  return checkout.once(register, (made) => loadEntry(checkout, kind, key, made));
}

export async function listEntries<C extends Pointer, M>(
  checkout: Checkout,
  kind: Kind<C, M>,
  namespace: NamespaceName,
  page: PageRequest,
): Promise<Page<TableIdentifier>> {
  const key = namespaceKey(namespace);
  if (key.length > 0) await requireNamespace(checkout, key);
  const children = checkout.shared.versions.children(await checkout.head(), key, page.pageToken);
  const entries = (async function* () {
    for await (const child of children) if (child.content.type === kind.type) yield toIdentifier(child.key);
  })();
  return toPage(entries, page, ({ name }) => name);
}

/** Takes an entry away, and answers with what it was: every commit before is in it, none comes after. */
export async function removeEntry<C extends Pointer, M>(
  checkout: Checkout,
  kind: Kind<C, M>,
  name: TableName,
  verb: "Drop" | "Unregister",
): Promise<C> {
  const key = tableKey(name);
  const remove = async (): Promise<C> => {
    const expected = await requireEntry(checkout, kind, await checkout.head(), key);
    await checkout.commit([{ type: "DELETE", key, expected }], {
      message: `${verb} ${kind.noun} ${keyName(key)}`,
    });
    return expected;
  };
  return checkout.once(
    () => retried(remove),
    async (made) => (await checkout.contentBefore(made, key)) as C,
  );
}

/** Puts an entry under another key, where nothing is yet. */
export async function renameEntry<C extends Pointer, M>(
  checkout: Checkout,
  kind: Kind<C, M>,
  from: TableName,
  to: TableName,
): Promise<void> {
  const [source, target] = [tableKey(from), tableKey(to)];
  const rename = async (): Promise<void> => {
    const content = await requireEntry(checkout, kind, await checkout.head(), source);
    await requireFree(checkout, target);
    try {
      await checkout.commit(
        [
          { type: "DELETE", key: source, expected: content },
          { type: "PUT", key: target, content, expected: null },
        ],
        { message: `Rename ${kind.noun} ${keyName(source)} to ${keyName(target)}` },
      );
    } catch (error) {
      throw await explained(checkout, target, error);
    }
  };
  return checkout.once(
    () => retried(rename),
    async () => {},
  );
}

/** Throws `TABLE_EXISTS`, `VIEW_EXISTS`, `NO_SUCH_NAMESPACE` before anything is written for the name. */
async function requireFree(checkout: Checkout, key: ContentKey): Promise<void> {
  const existing = await checkout.content(key);
  if (existing !== undefined) throw checkout.taken(key, existing);
  if (key.length > 1) await requireNamespace(checkout, key.slice(0, -1));
}

/** Throws `INVALID_ARGUMENT` for a location outside the store: nobody could read the table back. */
export function checkLocation(root: string, location: string): void {
  if (location === root || location.startsWith(`${root}/`)) return;
  throw invalidArgument(
    location,
    `The location ${location} lies outside the catalog's store ${root}.`,
    "Leave the location out, or choose one below the store's root.",
  );
}

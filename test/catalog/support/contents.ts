import type { Content, ContentKey } from "../../../lib/lakehouse/catalog/model/content.js";
import type { Operation } from "../../../lib/lakehouse/catalog/model/operations.js";
import type { Backend } from "../../../lib/lakehouse/catalog/store/backend.js";
import { defineSchema, long, type RowOf, string } from "../../../lib/lakehouse/iceberg/index.js";

/** A table content whose state is told by a number. */
export function table(id: string, state = 0): Content {
  return {
    type: "ICEBERG_TABLE",
    id,
    metadataLocation: `file:///warehouse/${id}/metadata/${state}.metadata.json`,
    snapshotId: "-1",
    schemaId: 0,
    specId: 0,
    sortOrderId: 0,
  };
}

export function namespace(id: string, properties: Record<string, string> = {}): Content {
  return { type: "NAMESPACE", id, properties };
}

export function put(key: ContentKey, content: Content, expected?: Content | null): Operation {
  return { type: "PUT", key, content, ...(expected === undefined ? {} : { expected }) };
}

export function del(key: ContentKey): Operation {
  return { type: "DELETE", key };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** A backend with some of its methods replaced. */
export function withOverrides(backend: Backend, overrides: Partial<Backend>): Backend {
  return {
    get: (hashes) => backend.get(hashes),
    put: (objects) => backend.put(objects),
    getRef: (name) => backend.getRef(name),
    listRefs: (prefix) => backend.listRefs(prefix),
    moveRef: (move, objects) => backend.moveRef(move, objects),
    scan: () => backend.scan(),
    deleteObjects: (hashes) => backend.deleteObjects(hashes),
    now: () => backend.now(),
    close: () => backend.close(),
    ...overrides,
  };
}

/** What most tables of these tests look like. */
export const schema = defineSchema({ id: long(), data: string().optional() });

/** Rows for such a table. */
export function records(...ids: number[]): RowOf<typeof schema>[] {
  return ids.map((id) => ({ id: BigInt(id), data: `row ${id}` }));
}

/** The code of the error that a call fails with. */
export const code = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "no error",
    (error) => error.code,
  );

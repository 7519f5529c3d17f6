import fc from "fast-check";
import { expect, test } from "vitest";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import {
  bucket,
  decimal,
  defineSchema,
  int,
  list,
  map,
  nameMappingFromJson,
  newTableMetadata,
  parseTableMetadata,
  serializeTableMetadata,
  string,
  struct,
  type TableMetadata,
} from "../../../lib/lakehouse/iceberg/index.js";
import { runs } from "../../support/runs.js";

const base = newTableMetadata({
  schema: defineSchema({
    a: int().default(1),
    p: decimal(9, 2).optional(),
    l: list(struct({ x: int() })).optional(),
    m: map(string(), int()).optional(),
  }),
  partitionSpec: [bucket("a", 4)],
  location: "s3://t",
  formatVersion: 3,
});
const metadata: TableMetadata = {
  ...base,
  snapshots: [
    {
      snapshotId: 9223372036854775807n,
      sequenceNumber: 1n,
      timestampMs: 1n,
      manifestList: "l",
      summary: { operation: "append" },
      firstRowId: 0n,
      addedRows: 1n,
    },
  ],
  currentSnapshotId: 9223372036854775807n,
  lastSequenceNumber: 1n,
  refs: { main: { type: "branch", snapshotId: 9223372036854775807n } },
  snapshotLog: [{ timestampMs: 1n, snapshotId: 9223372036854775807n }],
};
const text = serializeTableMetadata(metadata);

/** Paths of all values in the document. */
function paths(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (value === null || typeof value !== "object") return [path];
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  return [path, ...entries.flatMap(([key, child]) => paths(child, [...path, key]))];
}

function replaceAt(value: unknown, path: readonly (string | number)[], replacement: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return replacement;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<
    string | number,
    unknown
  >;
  copy[key] = replaceAt(copy[key], rest, replacement);
  return copy;
}

/** Runs something that may refuse its input, but only as the library's errors do. */
function acceptsOrRefuses(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!isLakehouseError(error)) throw error;
    expect(["INVALID_METADATA", "UNSUPPORTED_FEATURE", "INVALID_EXPRESSION"]).toContain(error.code);
  }
}

test("metadata with any one value replaced is read or refused, and never crashes the reader", () => {
  const document = JSON.parse(text);
  fc.assert(
    fc.property(
      fc.constantFrom(...paths(document)),
      fc.oneof(fc.jsonValue(), fc.constantFrom(-1, 0, 2 ** 31, 1e300, "", "struct", [], {}, null)),
      (path, replacement) => {
        acceptsOrRefuses(() => parseTableMetadata(JSON.stringify(replaceAt(document, path, replacement))));
      },
    ),
    { numRuns: runs(3000) },
  );
});

test("metadata with any bytes replaced is read or refused, and never crashes the reader", () => {
  const bytes = Buffer.from(text);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.uint8Array({ minLength: 1, maxLength: 4 }), (at, noise) => {
      const broken = Buffer.from(bytes);
      broken.set(noise.subarray(0, broken.length - at), at);
      acceptsOrRefuses(() => parseTableMetadata(broken));
    }),
    { numRuns: runs(2000) },
  );
});

test("any text is a name mapping, or refused", () => {
  fc.assert(fc.property(fc.json(), (json) => acceptsOrRefuses(() => nameMappingFromJson(json))));
});

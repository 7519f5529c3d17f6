import { randomUUID } from "node:crypto";
import type { TimestampMs } from "../../model/metadata/types.js";
import type { Schema } from "../../model/types/types.js";
import { requireWellFormed } from "../../model/values/well-formed.js";
import type { ViewMetadata, ViewRepresentation, ViewUpdate, ViewVersion } from "./types.js";
import { checkRepresentations } from "./updates.js";

/** What a version of a view says, before the view gives it an id. */
export interface ViewDefinition {
  /** The columns that the view shows. */
  readonly schema: Schema;
  readonly representations: readonly ViewRepresentation[];
  /** For names without a namespace. */
  readonly defaultNamespace: readonly string[];
  readonly defaultCatalog?: string;
  /** For instance `engine-name` and `engine-version`. */
  readonly summary?: Readonly<Record<string, string>>;
  /** Default: now. */
  readonly timestampMs?: TimestampMs;
}

export interface NewView extends ViewDefinition {
  /** Base location, without a trailing slash; metadata files go to `metadata/` below it. */
  readonly location: string;
  readonly properties?: Readonly<Record<string, string>>;
  /** Default: a random one. */
  readonly uuid?: string;
}

/**
 * The metadata of a new view: one version, with id 1.
 *
 * @example
 * newViewMetadata({
 *   location: "s3://lake/delays_by_day",
 *   schema,
 *   defaultNamespace: ["flights"],
 *   representations: [{ type: "sql", dialect: "duckdb", sql: "SELECT day, avg(delay) FROM flights GROUP BY day" }],
 * });
 * @throws INVALID_ARGUMENT when there is no representation, or two of one dialect
 */
export function newViewMetadata(view: NewView): ViewMetadata {
  const version: ViewVersion = { ...versionOf(view), versionId: 1, schemaId: 0 };
  requireWellFormed(view);
  checkRepresentations(view, version);
  return {
    viewUuid: view.uuid ?? randomUUID(),
    formatVersion: 1,
    location: view.location.replace(/\/+$/, ""),
    schemas: [{ ...view.schema, schemaId: 0 }],
    currentVersionId: 1,
    versions: [version],
    versionLog: [{ timestampMs: version.timestampMs, versionId: 1 }],
    properties: view.properties ?? {},
  };
}

/** The updates that make `definition` a view's current version. */
export function replaceViewUpdates(definition: ViewDefinition): ViewUpdate[] {
  return [
    { action: "add-schema", schema: definition.schema },
    { action: "add-view-version", viewVersion: versionOf(definition) },
    { action: "set-current-view-version", viewVersionId: -1 },
  ];
}

/** Ids are given when the version is added: 1 stands for "the next", and schema -1 for "the one added last". */
function versionOf(definition: ViewDefinition): ViewVersion {
  const { representations, defaultNamespace, defaultCatalog, summary, timestampMs } = definition;
  return {
    versionId: 1,
    schemaId: -1,
    timestampMs: timestampMs ?? BigInt(Date.now()),
    summary: summary ?? {},
    representations,
    defaultCatalog,
    defaultNamespace,
  };
}

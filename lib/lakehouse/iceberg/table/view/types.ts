import type { Json } from "../../model/json.js";
import type { TimestampMs } from "../../model/metadata/types.js";
import type { Schema, SchemaId } from "../../model/types/types.js";

export type ViewVersionId = number & { readonly __flavor?: "ViewVersionId" };

/** A view's SELECT in one SQL dialect (view spec, "SQL representation"). */
export interface SqlViewRepresentation {
  readonly type: "sql";
  readonly sql: string;
  /** For instance `spark`, `trino`, `duckdb`. One representation a dialect, whatever its case. */
  readonly dialect: string;
}

/** A representation of a kind that this version does not know; kept as it is. */
export interface UnknownViewRepresentation {
  readonly type: "unknown";
  readonly json: Json;
}

export type ViewRepresentation = SqlViewRepresentation | UnknownViewRepresentation;

/** The state of a view at one time; immutable (view spec, "Versions"). */
export interface ViewVersion {
  readonly versionId: ViewVersionId;
  readonly schemaId: SchemaId;
  readonly timestampMs: TimestampMs;
  /** For instance `engine-name` and `engine-version`. */
  readonly summary: Readonly<Record<string, string>>;
  /** All mean the same; engines pick the one they speak. */
  readonly representations: readonly ViewRepresentation[];
  /** For names without a catalog; the view's own catalog when absent. */
  readonly defaultCatalog?: string | undefined;
  /** For names without a namespace. */
  readonly defaultNamespace: readonly string[];
}

/** When a version became the current one (view spec, "Version log"). */
export interface ViewHistoryEntry {
  readonly timestampMs: TimestampMs;
  readonly versionId: ViewVersionId;
}

/** A version of a view's metadata (view spec, "View Metadata"). Immutable; `applyViewUpdates` makes the next. */
export interface ViewMetadata {
  readonly viewUuid: string;
  readonly formatVersion: 1;
  readonly location: string;
  readonly schemas: readonly Schema[];
  readonly currentVersionId: ViewVersionId;
  readonly versions: readonly ViewVersion[];
  /** Oldest first. */
  readonly versionLog: readonly ViewHistoryEntry[];
  readonly properties: Readonly<Record<string, string>>;
}

/** A change of view metadata, in the REST catalog's vocabulary. An id of -1 means "the one added last". */
export type ViewUpdate =
  | { readonly action: "assign-uuid"; readonly uuid: string }
  | { readonly action: "upgrade-format-version"; readonly formatVersion: number }
  | { readonly action: "add-schema"; readonly schema: Schema }
  | { readonly action: "set-location"; readonly location: string }
  | { readonly action: "set-properties"; readonly updates: Readonly<Record<string, string>> }
  | { readonly action: "remove-properties"; readonly removals: readonly string[] }
  | { readonly action: "add-view-version"; readonly viewVersion: ViewVersion }
  | { readonly action: "set-current-view-version"; readonly viewVersionId: ViewVersionId };

/** What must hold of a view when a commit is applied, in the REST catalog's vocabulary. */
export type ViewRequirement = { readonly type: "assert-view-uuid"; readonly uuid: string };

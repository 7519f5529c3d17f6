import { invalidArgument, type LakehouseError } from "../../../errors.js";
import { commitConflict } from "../../errors.js";
import { type JsonInput, type JsonNode, stringifyJson } from "../../model/json.js";
import type { TimestampMs } from "../../model/metadata/types.js";
import { schemaFromJson, schemaToJson } from "../../model/schema/json.js";
import type { Schema, SchemaId } from "../../model/types/types.js";
import { requireWellFormed } from "../../model/values/well-formed.js";
import { viewVersionFromJson, viewVersionToJson } from "./json.js";
import type {
  ViewHistoryEntry,
  ViewMetadata,
  ViewRequirement,
  ViewUpdate,
  ViewVersion,
  ViewVersionId,
} from "./types.js";

/** How many versions a view keeps, the current one included. */
export const VERSION_HISTORY_SIZE = "version.history.num-entries";
const DEFAULT_VERSION_HISTORY_SIZE = 10;
/** Whether a new version may lack a dialect that the one before had. Default false. */
export const REPLACE_DROP_DIALECT_ALLOWED = "replace.drop-dialect.allowed";

const LAST_ADDED = -1;

/** A view's metadata while updates are applied to it. */
interface Draft {
  metadata: ViewMetadata;
  lastAddedSchemaId: SchemaId | undefined;
  lastAddedVersionId: ViewVersionId | undefined;
  readonly addedVersionIds: Set<ViewVersionId>;
  /** When `current-version-id` was changed, and to what; the last change counts. */
  change: ViewHistoryEntry | undefined;
}

/**
 * The metadata with the updates applied, in order, and with old versions expired. A schema or version that the view
 * has already is not added again: "the one added last" then means that one.
 *
 * @param now the time to log when an old version becomes current again
 * @throws INVALID_ARGUMENT when an update does not fit the view, or would lose a dialect
 */
export function applyViewUpdates(
  metadata: ViewMetadata,
  updates: readonly ViewUpdate[],
  now: TimestampMs = BigInt(Date.now()),
): ViewMetadata {
  const draft: Draft = {
    metadata,
    lastAddedSchemaId: undefined,
    lastAddedVersionId: undefined,
    addedVersionIds: new Set(),
    change: undefined,
  };
  for (const update of updates) {
    requireWellFormed(update);
    (VIEW_UPDATES[update.action] as ViewUpdateDefinition).apply(draft, update, now);
  }
  checkDialects(metadata, draft.metadata);
  return expireVersions(draft);
}

/**
 * Checks what a commit requires of a view.
 *
 * @param metadata `undefined` when there is no such view
 * @throws COMMIT_CONFLICT
 */
export function checkViewRequirements(
  metadata: ViewMetadata | undefined,
  requirements: readonly ViewRequirement[],
): void {
  for (const { uuid } of requirements) {
    if (metadata?.viewUuid.toLowerCase() === uuid.toLowerCase()) continue;
    throw commitConflict(
      metadata?.location ?? uuid,
      metadata === undefined
        ? `The view with UUID ${uuid} does not exist any more.`
        : `The view's UUID is ${metadata.viewUuid}, not ${uuid}: it was dropped and created again.`,
      "Load the view and decide again.",
    );
  }
}

type ViewAction = ViewUpdate["action"];
type ViewUpdateOf<Action extends ViewAction> = Extract<ViewUpdate, { readonly action: Action }>;

/** Everything that depends on which update it is (REST catalog spec, `ViewUpdate`). */
interface ViewUpdateDefinition<Update extends ViewUpdate = ViewUpdate> {
  apply(draft: Draft, update: Update, now: TimestampMs): void;
  /** The members of its JSON beside `action`. */
  toJson(update: Update): { readonly [key: string]: JsonInput | undefined };
  fromJson(node: JsonNode): Omit<Update, "action">;
}

function change(draft: Draft, change: Partial<ViewMetadata>): void {
  draft.metadata = { ...draft.metadata, ...change };
}

/** The definition of each update of a view. */
const VIEW_UPDATES: { readonly [Action in ViewAction]: ViewUpdateDefinition<ViewUpdateOf<Action>> } = {
  "assign-uuid": {
    apply: ({ metadata }, { uuid }) => {
      if (uuid !== metadata.viewUuid) throw invalid(metadata, "its UUID cannot be changed");
    },
    toJson: ({ uuid }) => ({ uuid }),
    fromJson: (node) => ({ uuid: node.get("uuid").string() }),
  },
  "upgrade-format-version": {
    apply: ({ metadata }, { formatVersion }) => {
      if (formatVersion !== 1) throw invalid(metadata, `there is no format version ${formatVersion}`);
    },
    toJson: ({ formatVersion }) => ({ "format-version": formatVersion }),
    fromJson: (node) => ({ formatVersion: node.get("format-version").int() }),
  },
  "add-schema": {
    apply: (draft, { schema }) => {
      const schemas = withSchema(draft.metadata.schemas, schema);
      draft.lastAddedSchemaId = schemas.id;
      change(draft, { schemas: schemas.all });
    },
    toJson: ({ schema }) => ({ schema: schemaToJson(schema) }),
    fromJson: (node) => ({ schema: schemaFromJson(node.get("schema")) }),
  },
  "set-location": {
    apply: (draft, { location }) => change(draft, { location }),
    toJson: ({ location }) => ({ location }),
    fromJson: (node) => ({ location: node.get("location").string() }),
  },
  "set-properties": {
    apply: (draft, { updates }) =>
      change(draft, { properties: { ...draft.metadata.properties, ...updates } }),
    toJson: ({ updates }) => ({ updates }),
    fromJson: (node) => ({ updates: node.get("updates").stringMap() }),
  },
  "remove-properties": {
    apply: (draft, { removals }) => {
      const kept = Object.entries(draft.metadata.properties).filter(([key]) => !removals.includes(key));
      change(draft, { properties: Object.fromEntries(kept) });
    },
    toJson: ({ removals }) => ({ removals }),
    fromJson: (node) => ({
      removals: node
        .get("removals")
        .array()
        .map((key) => key.string()),
    }),
  },
  "add-view-version": {
    apply: (draft, { viewVersion }) => addVersion(draft, viewVersion),
    toJson: ({ viewVersion }) => ({ "view-version": viewVersionToJson(viewVersion) }),
    fromJson: (node) => ({ viewVersion: viewVersionFromJson(node.get("view-version")) }),
  },
  "set-current-view-version": {
    apply: (draft, { viewVersionId }, now) => setCurrentVersion(draft, viewVersionId, now),
    toJson: ({ viewVersionId }) => ({ "view-version-id": viewVersionId }),
    fromJson: (node) => ({ viewVersionId: node.get("view-version-id").int() }),
  },
};

/** JSON of a view update (REST catalog spec, `ViewUpdate`). */
export function viewUpdateToJson(update: ViewUpdate): JsonInput {
  const { action } = update;
  return { action, ...(VIEW_UPDATES[action] as ViewUpdateDefinition).toJson(update) };
}

/** Reads the JSON of a view update. */
export function viewUpdateFromJson(node: JsonNode): ViewUpdate {
  const action = node.get("action").string();
  if (!Object.hasOwn(VIEW_UPDATES, action)) node.get("action").fail("is no update of a view");
  return { action, ...VIEW_UPDATES[action as ViewAction].fromJson(node) } as ViewUpdate;
}

/** JSON of a view requirement (REST catalog spec, `ViewRequirement`), of which there is one kind. */
export function viewRequirementToJson({ type, uuid }: ViewRequirement): JsonInput {
  return { type, uuid };
}

/** Reads the JSON of a view requirement. */
export function viewRequirementFromJson(node: JsonNode): ViewRequirement {
  const type = node.get("type");
  if (type.string() !== "assert-view-uuid") type.fail("is no requirement of a view");
  return { type: "assert-view-uuid", uuid: node.get("uuid").string() };
}

/** The schemas with one more, under the next id; or as they are, when the same one is among them. */
function withSchema(schemas: readonly Schema[], schema: Schema): { id: SchemaId; all: readonly Schema[] } {
  const text = (candidate: Schema): string => stringifyJson(schemaToJson({ ...candidate, schemaId: 0 }));
  const same = schemas.find((candidate) => text(candidate) === text(schema));
  if (same !== undefined) return { id: same.schemaId, all: schemas };
  const id = Math.max(-1, ...schemas.map(({ schemaId }) => schemaId)) + 1;
  return { id, all: [...schemas, { ...schema, schemaId: id }] };
}

function addVersion(draft: Draft, added: ViewVersion): void {
  const { metadata } = draft;
  const schemaId = added.schemaId === LAST_ADDED ? draft.lastAddedSchemaId : added.schemaId;
  if (schemaId === undefined) throw invalid(metadata, "no schema was added for the new version");
  if (!metadata.schemas.some((schema) => schema.schemaId === schemaId)) {
    throw invalid(metadata, `the new version has schema ${schemaId}, which the view does not have`);
  }
  checkRepresentations(metadata, added);
  const text = (version: ViewVersion): string =>
    stringifyJson(viewVersionToJson({ ...version, schemaId, versionId: 0, timestampMs: 0n }));
  const same = metadata.versions.find(
    (version) => version.schemaId === schemaId && text(version) === text(added),
  );
  if (same !== undefined) {
    draft.lastAddedVersionId = same.versionId;
    return;
  }
  const highest = Math.max(...metadata.versions.map(({ versionId }) => versionId));
  const versionId = Math.max(added.versionId, highest + 1);
  draft.metadata = { ...metadata, versions: [...metadata.versions, { ...added, schemaId, versionId }] };
  draft.lastAddedVersionId = versionId;
  draft.addedVersionIds.add(versionId);
}

function setCurrentVersion(draft: Draft, id: ViewVersionId, now: TimestampMs): void {
  const { metadata } = draft;
  const versionId = id === LAST_ADDED ? draft.lastAddedVersionId : id;
  if (versionId === undefined) throw invalid(metadata, "no version was added to become the current one");
  if (versionId === metadata.currentVersionId) return;
  const version = metadata.versions.find((candidate) => candidate.versionId === versionId);
  if (version === undefined) throw invalid(metadata, `it has no version ${versionId}`);
  draft.metadata = { ...metadata, currentVersionId: versionId };
  draft.change = { versionId, timestampMs: draft.addedVersionIds.has(versionId) ? version.timestampMs : now };
}

/** @throws INVALID_ARGUMENT for a version without a representation, or with two of one dialect */
export function checkRepresentations(view: Pick<ViewMetadata, "location">, version: ViewVersion): void {
  if (version.representations.length === 0) throw invalid(view, "a version needs a representation");
  const dialects = new Set<string>();
  for (const dialect of dialectsOf(version)) {
    if (dialects.has(dialect)) throw invalid(view, `a version has two queries for dialect ${dialect}`);
    dialects.add(dialect);
  }
}

function dialectsOf(version: ViewVersion): string[] {
  return version.representations.flatMap((each) => (each.type === "sql" ? [each.dialect.toLowerCase()] : []));
}

function checkDialects(before: ViewMetadata, after: ViewMetadata): void {
  if (after.properties[REPLACE_DROP_DIALECT_ALLOWED]?.toLowerCase() === "true") return;
  const kept = new Set(dialectsOf(currentViewVersion(after)));
  const lost = dialectsOf(currentViewVersion(before)).filter((dialect) => !kept.has(dialect));
  if (lost.length === 0) return;
  throw invalidArgument(
    after.location,
    `The view at ${after.location} would lose its query for ${lost.join(", ")}.`,
    `Give a query for each dialect, or set ${REPLACE_DROP_DIALECT_ALLOWED} to true.`,
  );
}

/** Keeps the latest versions, as many as the view's property says, and in any case the current and the new ones. */
function expireVersions({ metadata, addedVersionIds, change }: Draft): ViewMetadata {
  const versionLog = change === undefined ? metadata.versionLog : [...metadata.versionLog, change];
  const text = metadata.properties[VERSION_HISTORY_SIZE];
  const size = text === undefined ? DEFAULT_VERSION_HISTORY_SIZE : Number(text);
  if (!Number.isInteger(size) || size < 1) throw invalid(metadata, `${VERSION_HISTORY_SIZE} is ${text}`);
  const always = new Set([...addedVersionIds, metadata.currentVersionId]);
  const ids = metadata.versions.map(({ versionId }) => versionId);
  const latest = ids.filter((id) => !always.has(id)).sort((a, b) => b - a);
  const kept = new Set([...always, ...latest.slice(0, Math.max(0, size - always.size))]);
  const versions = metadata.versions.filter(({ versionId }) => kept.has(versionId));
  // The log is a history without gaps: it begins after the last entry whose version is gone.
  const gap = versionLog.findLastIndex(({ versionId }) => !kept.has(versionId));
  return { ...metadata, versions, versionLog: versionLog.slice(gap + 1) };
}

/** The version that a view has now. */
export function currentViewVersion(metadata: ViewMetadata): ViewVersion {
  const version = metadata.versions.find(({ versionId }) => versionId === metadata.currentVersionId);
  if (version === undefined) throw invalid(metadata, `it has no version ${metadata.currentVersionId}`);
  return version;
}

/** The SELECT of a version in a dialect, whatever its case; `undefined` when the version does not speak it. */
export function sqlFor(version: ViewVersion, dialect: string): string | undefined {
  for (const each of version.representations) {
    if (each.type === "sql" && each.dialect.toLowerCase() === dialect.toLowerCase()) return each.sql;
  }
  return undefined;
}

function invalid({ location }: Pick<ViewMetadata, "location">, problem: string): LakehouseError {
  return invalidArgument(location, `The view at ${location} cannot be changed so: ${problem}.`);
}

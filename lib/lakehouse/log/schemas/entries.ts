/** What the registry keeps: each an entry of a state topic. */
import { invalidArgument } from "../../errors.js";
import type { StateFields } from "../state/state-fields.js";
import type { StateFormat } from "../state/state-topic.js";
import type { SchemaReference, SchemaType } from "./schema.js";

export type Compatibility =
  | "NONE"
  | "BACKWARD"
  | "BACKWARD_TRANSITIVE"
  | "FORWARD"
  | "FORWARD_TRANSITIVE"
  | "FULL"
  | "FULL_TRANSITIVE";

/** `IMPORT`: schemas come from another registry, with the ids that records name them by. */
export type RegistryMode = "READWRITE" | "READONLY" | "IMPORT";

/** A schema, under whichever subjects. Its id is never given to another. */
export interface StoredSchema {
  readonly kind: "schema";
  readonly id: number;
  readonly schemaType: SchemaType;
  readonly schema: string;
  readonly references: readonly SchemaReference[];
  /** Of all that makes two schemas one. */
  readonly hash: string;
}

export interface StoredVersion {
  readonly kind: "version";
  readonly subject: string;
  readonly version: number;
  readonly id: number;
  /** Softly: it is read by its id, and by those who ask for deleted ones. */
  readonly deleted: boolean;
}

export interface StoredSettings {
  readonly kind: "settings";
  /** Empty for those of all subjects. */
  readonly subject: string;
  readonly compatibility?: Compatibility | undefined;
  readonly mode?: RegistryMode | undefined;
}

/** The id that the next new schema gets. */
export interface StoredNext {
  readonly kind: "next";
  readonly id: number;
}

export type RegistryEntry = StoredSchema | StoredVersion | StoredSettings | StoredNext;

export function keyOfEntry(entry: RegistryEntry): string {
  switch (entry.kind) {
    case "schema":
      return `schema/${entry.id}`;
    case "version":
      return `version/${entry.version}/${entry.subject}`;
    case "settings":
      return `settings/${entry.subject}`;
    case "next":
      return "next";
  }
}

export const COMPATIBILITIES: Readonly<Record<Compatibility, true>> = {
  NONE: true,
  BACKWARD: true,
  BACKWARD_TRANSITIVE: true,
  FORWARD: true,
  FORWARD_TRANSITIVE: true,
  FULL: true,
  FULL_TRANSITIVE: true,
};

export const MODES: Readonly<Record<RegistryMode, true>> = {
  READWRITE: true,
  READONLY: true,
  IMPORT: true,
};
const TYPES: Readonly<Record<SchemaType, true>> = { AVRO: true, JSON: true, PROTOBUF: true };
const KINDS: Readonly<Record<RegistryEntry["kind"], (fields: StateFields) => RegistryEntry>> = {
  schema: (fields) => ({
    kind: "schema",
    id: fields.integer("id", 1),
    schemaType: fields.kind("schemaType", TYPES),
    schema: fields.text("schema"),
    references: fields.list("references", (reference) => ({
      name: reference.text("name"),
      subject: reference.text("subject"),
      version: reference.integer("version", 1),
    })),
    hash: fields.text("hash"),
  }),
  version: (fields) => ({
    kind: "version",
    subject: fields.text("subject"),
    version: fields.integer("version", 1),
    id: fields.integer("id", 1),
    deleted: fields.integer("deleted") === 1,
  }),
  settings: (fields) => ({
    kind: "settings",
    subject: fields.text("subject"),
    compatibility: fields.optional("compatibility", (name) => fields.kind(name, COMPATIBILITIES)),
    mode: fields.optional("mode", (name) => fields.kind(name, MODES)),
  }),
  next: (fields) => ({ kind: "next", id: fields.integer("id", 1) }),
};

export const REGISTRY_FORMAT: StateFormat<RegistryEntry> = {
  version: 1,
  write: (entry) => (entry.kind === "version" ? { ...entry, deleted: entry.deleted ? 1 : 0 } : entry),
  read: (fields) => KINDS[fields.kind("kind", KINDS)](fields),
};

/** @throws LakehouseError INVALID_ARGUMENT */
export function checkSchemaType(type: unknown): SchemaType {
  if (typeof type === "string" && Object.hasOwn(TYPES, type)) return type as SchemaType;
  throw invalidArgument(
    "schemaType",
    `There is no schema type ${JSON.stringify(type)}.`,
    `Give one of ${Object.keys(TYPES).join(", ")}.`,
  );
}

/** Schemas in the messages, as the registry has them, and back. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { invalidArgument } from "../../errors.js";
import type { RegisteredSchema, SchemaVersion, VersionNumber } from "../schemas/lookups.js";
import type { NewSchema, SchemaReference, SchemaType } from "../schemas/schema.js";
import type {
  NewSchema as NewSchemaMessage,
  NewSchemaSchema,
  SchemaReference as ReferenceMessage,
  RegisteredSchema as RegisteredMessage,
  RegisteredSchemaSchema,
  SchemaVersionSchema,
  SchemaVersion as VersionMessage,
} from "./generated/sololakehouse/log/v1/schema_pb.js";

/** @throws LakehouseError INVALID_ARGUMENT */
export function newSchemaOf(message: NewSchemaMessage | undefined): NewSchema {
  const { schemaType, schema = "", references = [] } = message ?? {};
  if (schema === "") throw invalidArgument("schema", "The request has no schema.", "Give its text.");
  // A type that there is not is refused where the schema is read.
  return {
    schemaType: schemaType as SchemaType | undefined,
    schema,
    references: references.map(referenceOf),
  };
}

export function newSchemaMessage({
  schemaType,
  schema,
  references = [],
}: NewSchema): MessageInitShape<typeof NewSchemaSchema> {
  return { ...(schemaType === undefined ? {} : { schemaType }), schema, references: [...references] };
}

export function registeredMessage({
  references,
  ...schema
}: RegisteredSchema): MessageInitShape<typeof RegisteredSchemaSchema> {
  return { ...schema, references: [...references] };
}

export function registeredOf(message: RegisteredMessage | undefined): RegisteredSchema {
  const { id = 0, schemaType = "AVRO", schema = "", references = [] } = message ?? {};
  return { id, schemaType: schemaType as SchemaType, schema, references: references.map(referenceOf) };
}

export function versionMessage({
  subject,
  version,
  ...schema
}: SchemaVersion): MessageInitShape<typeof SchemaVersionSchema> {
  return { subject, version, schema: registeredMessage(schema) };
}

export function versionOf({ subject, version, schema }: VersionMessage): SchemaVersion {
  return { ...registeredOf(schema), subject, version };
}

/** The last is one that is absent. @throws LakehouseError INVALID_ARGUMENT */
export function versionNumber(version: VersionNumber): { readonly version?: number } {
  return version === "latest" ? {} : { version: int32("version", version) };
}

/** A number that a message can hold. @throws LakehouseError INVALID_ARGUMENT */
export function int32(name: string, value: number): number {
  if ((value | 0) === value) return value;
  throw invalidArgument(name, `${String(value)} is no ${name}.`, "Give a whole number from 1.");
}

function referenceOf({ name, subject, version }: ReferenceMessage): SchemaReference {
  return { name, subject, version };
}

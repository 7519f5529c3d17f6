import { commitConflict } from "../../errors.js";
import type { JsonNode } from "../../model/json.js";
import type { TableMetadata } from "../../model/metadata/types.js";
import { definitionOf, type JsonObject } from "./definitions.js";
import type { TableRequirement, TableUpdate } from "./types.js";

type RequirementType = TableRequirement["type"];
type RequirementOf<Type extends RequirementType> = Extract<TableRequirement, { readonly type: Type }>;

/** Everything that depends on which requirement it is; its JSON is that of the REST catalog's specification. */
interface RequirementDefinition<Requirement extends TableRequirement = TableRequirement> {
  /** What the table is not as required; `undefined` where it is. */
  problem(metadata: TableMetadata, requirement: Requirement): string | undefined;
  /** The members of its JSON beside `type`. */
  toJson(requirement: Requirement): JsonObject;
  fromJson(node: JsonNode): Omit<Requirement, "type">;
  /** What holds of a table, of the refs that are to be moved. */
  of(base: TableMetadata, refs: Iterable<string>): readonly Omit<Requirement, "type">[];
}

/** The definition of each requirement, in the order in which the reference lists them. */
const REQUIREMENTS: { readonly [Type in RequirementType]: RequirementDefinition<RequirementOf<Type>> } = {
  "assert-create": {
    problem: () => "the table does not exist, but it does",
    toJson: () => ({}),
    fromJson: () => ({}),
    of: () => [],
  },
  "assert-table-uuid": {
    problem: ({ tableUuid }, { uuid }) =>
      same("the table's UUID", uuid.toLowerCase(), tableUuid.toLowerCase()),
    toJson: ({ uuid }) => ({ uuid }),
    fromJson: (node) => ({ uuid: node.get("uuid").string() }),
    of: ({ tableUuid }) => [{ uuid: tableUuid }],
  },
  "assert-ref-snapshot-id": {
    problem: (metadata, { ref, snapshotId: wanted }) => {
      const found = snapshotOf(metadata, ref);
      if (found === wanted) return undefined;
      const at = (id: bigint | null) => (id === null ? "does not exist" : `is at snapshot ${id}`);
      return `"${ref}" ${at(wanted)}, but it ${at(found)}`;
    },
    toJson: ({ ref, snapshotId }) => ({ ref, "snapshot-id": snapshotId }),
    fromJson: (node) => ({
      ref: node.get("ref").string(),
      // Null, and for older clients absence, say that the ref must not exist.
      snapshotId: node.optional("snapshot-id")?.long() ?? null,
    }),
    of: (base, refs) => [...refs].map((ref) => ({ ref, snapshotId: snapshotOf(base, ref) })),
  },
  "assert-last-assigned-field-id": {
    problem: ({ lastColumnId }, { lastAssignedFieldId }) =>
      same("the last field id", lastAssignedFieldId, lastColumnId),
    toJson: ({ lastAssignedFieldId }) => ({ "last-assigned-field-id": lastAssignedFieldId }),
    fromJson: (node) => ({ lastAssignedFieldId: node.get("last-assigned-field-id").int() }),
    of: ({ lastColumnId }) => [{ lastAssignedFieldId: lastColumnId }],
  },
  "assert-current-schema-id": {
    problem: (metadata, { currentSchemaId }) =>
      same("the current schema", currentSchemaId, metadata.currentSchemaId),
    toJson: ({ currentSchemaId }) => ({ "current-schema-id": currentSchemaId }),
    fromJson: (node) => ({ currentSchemaId: node.get("current-schema-id").int() }),
    of: ({ currentSchemaId }) => [{ currentSchemaId }],
  },
  "assert-last-assigned-partition-id": {
    problem: ({ lastPartitionId }, { lastAssignedPartitionId }) =>
      same("the last partition field id", lastAssignedPartitionId, lastPartitionId),
    toJson: ({ lastAssignedPartitionId }) => ({ "last-assigned-partition-id": lastAssignedPartitionId }),
    fromJson: (node) => ({ lastAssignedPartitionId: node.get("last-assigned-partition-id").int() }),
    of: ({ lastPartitionId }) => [{ lastAssignedPartitionId: lastPartitionId }],
  },
  "assert-default-spec-id": {
    problem: (metadata, { defaultSpecId }) =>
      same("the default partition spec", defaultSpecId, metadata.defaultSpecId),
    toJson: ({ defaultSpecId }) => ({ "default-spec-id": defaultSpecId }),
    fromJson: (node) => ({ defaultSpecId: node.get("default-spec-id").int() }),
    of: ({ defaultSpecId }) => [{ defaultSpecId }],
  },
  "assert-default-sort-order-id": {
    problem: (metadata, { defaultSortOrderId }) =>
      same("the default sort order", defaultSortOrderId, metadata.defaultSortOrderId),
    toJson: ({ defaultSortOrderId }) => ({ "default-sort-order-id": defaultSortOrderId }),
    fromJson: (node) => ({ defaultSortOrderId: node.get("default-sort-order-id").int() }),
    of: ({ defaultSortOrderId }) => [{ defaultSortOrderId }],
  },
};

function snapshotOf({ refs }: TableMetadata, name: string): bigint | null {
  return Object.hasOwn(refs, name) ? refs[name]!.snapshotId : null;
}

function same(what: string, wanted: string | number, found: string | number): string | undefined {
  return wanted === found ? undefined : `${what} is ${wanted}, but it is ${found}`;
}

/** Checks what a commit requires of the table as it is now; `undefined` for a table that is not there. Throws `COMMIT_CONFLICT`. */
export function checkRequirements(
  metadata: TableMetadata | undefined,
  requirements: readonly TableRequirement[],
): void {
  for (const requirement of requirements) {
    const problem =
      metadata === undefined
        ? problemWithout(requirement)
        : (REQUIREMENTS[requirement.type] as RequirementDefinition).problem(metadata, requirement);
    if (problem === undefined) continue;
    throw commitConflict(
      metadata?.location ?? requirement.type,
      `The commit requires that ${problem}.`,
      "Refresh the table and make the change again.",
    );
  }
}

function problemWithout(requirement: TableRequirement): string | undefined {
  return requirement.type === "assert-create" ? undefined : "the table exists, but it does not";
}

/**
 * The requirements under which a list of updates may be applied to the table that it was made from: those of the
 * reference implementation for the same updates.
 */
export function requirementsFor(base: TableMetadata, updates: readonly TableUpdate[]): TableRequirement[] {
  const required = new Set<RequirementType | undefined>(["assert-table-uuid"]);
  const refs = new Set<string>();
  for (const update of updates) {
    required.add(definitionOf(update).requires);
    if (update.action === "set-snapshot-ref") refs.add(update.refName);
  }
  return Object.entries(REQUIREMENTS).flatMap(([type, { of }]) =>
    required.has(type as RequirementType)
      ? of(base, refs).map((rest) => ({ type, ...rest }) as TableRequirement)
      : [],
  );
}

/** JSON of a requirement, as the REST catalog's specification spells it. */
export function requirementToJson(requirement: TableRequirement): JsonObject {
  const { type } = requirement;
  return { type, ...(REQUIREMENTS[type] as RequirementDefinition).toJson(requirement) };
}

/** Reads a requirement. Fails through the node for a type that there is not. */
export function requirementFromJson(node: JsonNode): TableRequirement {
  const type = node.get("type").string();
  if (!Object.hasOwn(REQUIREMENTS, type)) node.get("type").fail(`is no requirement: "${type}"`);
  return { type, ...REQUIREMENTS[type as RequirementType].fromJson(node) } as TableRequirement;
}

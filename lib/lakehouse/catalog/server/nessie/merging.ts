import type { JsonInput, JsonNode } from "../../../iceberg/index.js";
import { ConflictError } from "../../model/conflicts.js";
import type { CombineOptions, MergeBehavior, MergeResult } from "../../model/merging.js";
import { conflictsOf } from "../../model/merging.js";
import type { Place } from "../../model/versions.js";
import { conflictToJson, newCommitFromJson } from "../../wire/nessie/json.js";
import { keyFromJson, keyToJson } from "../../wire/nessie/keys.js";
import { bodyOf, type ExpectedRef, expectedRef, type NessieOperation } from "./call.js";
import { badRequest } from "./nessie-fault.js";
import { placeExpression } from "./references.js";

export const mergingOperations: readonly NessieOperation[] = [
  {
    endpoint: "POST /trees/{ref}/history/merge",
    async run(call) {
      const ref = await expectedRef(call, true);
      const body = bodyOf(call);
      const from = sourceName(body);
      const { commit } = await call.versions.resolve(placeExpression(from, body.get("fromHash").string()));
      const name = from === "" ? commit.hash : from;
      const message = `Merged ${name} at ${commit.hash} into ${ref.name}`;
      return combined(ref, body, { message }, (options) =>
        call.versions.merge(ref.name, { commit, name }, options),
      );
    },
  },
  {
    endpoint: "POST /trees/{ref}/history/transplant",
    async run(call) {
      const ref = await expectedRef(call, true);
      const body = bodyOf(call);
      const hashes = body.get("hashesToTransplant").array();
      const commits: Place[] = [];
      for (const hash of hashes) {
        commits.push((await call.versions.resolve(placeExpression(sourceName(body), hash.string()))).commit);
      }
      return combined(ref, body, {}, (options) => call.versions.transplant(ref.name, commits, options));
    },
  },
];

function sourceName(body: JsonNode): string {
  const name = body.get("fromRefName").string();
  return name === "DETACHED" ? "" : name;
}

const BEHAVIORS: ReadonlySet<string> = new Set(["NORMAL", "FORCE", "DROP"]);

/** Runs a merge or transplant, and answers with a `MergeResponse`; a conflict is an error unless the client wants to see it. */
async function combined(
  ref: ExpectedRef,
  body: JsonNode,
  defaults: { readonly message?: string | undefined },
  run: (options: CombineOptions) => Promise<MergeResult>,
): Promise<JsonInput> {
  const flag = (name: string): boolean =>
    (body.optional(`is${name}`) ?? body.optional(name.charAt(0).toLowerCase() + name.slice(1)))?.boolean() ??
    false;
  const options = { ...defaults, ...optionsOf(body), dryRun: flag("DryRun") };
  const result = await run(options).catch((error: unknown) => {
    if (error instanceof ConflictError && flag("ReturnConflictAsResult"))
      return run({ ...options, dryRun: true });
    throw error;
  });
  const conflicts = conflictsOf(result.keys);
  if (conflicts.length > 0 && !flag("ReturnConflictAsResult")) {
    throw new ConflictError(
      ref.name,
      `${ref.name} does not take the changes`,
      conflicts,
      "Settle them first.",
    );
  }
  return {
    wasApplied: result.applied,
    wasSuccessful: conflicts.length === 0,
    resultantTargetHash: options.dryRun || conflicts.length > 0 ? null : result.after,
    commonAncestor: result.mergeBase ?? null,
    targetBranch: ref.name,
    effectiveTargetHash: result.before,
    expectedHash: ref.expected?.hash ?? null,
    details: result.keys.map(({ key, behavior, conflict }) => ({
      key: keyToJson(key),
      mergeBehavior: behavior,
      conflict: conflict && conflictToJson(conflict),
    })),
  };
}

function optionsOf(body: JsonNode): CombineOptions {
  const meta = body.optional("commitMeta");
  const given = meta && newCommitFromJson(meta);
  const message = body.optional("message")?.string() || given?.message;
  const behaviors = body.optional("keyMergeModes")?.array() ?? [];
  const defaultBehavior = body.optional("defaultKeyMergeMode");
  return {
    message: message || undefined,
    author: given?.authors[0],
    properties: given?.properties,
    defaultBehavior: defaultBehavior && behaviorOf(defaultBehavior),
    behaviors: behaviors.map((mode) => {
      if (mode.optional("resolvedContent") !== undefined) {
        throw badRequest(
          "A merge with resolvedContent is not supported: commit the content to the source first.",
        );
      }
      return { key: keyFromJson(mode.get("key")), behavior: behaviorOf(mode.get("mergeBehavior")) };
    }),
  };
}

function behaviorOf(node: JsonNode): MergeBehavior {
  const text = node.string().toUpperCase();
  return BEHAVIORS.has(text) ? (text as MergeBehavior) : node.fail("should be NORMAL, FORCE or DROP");
}

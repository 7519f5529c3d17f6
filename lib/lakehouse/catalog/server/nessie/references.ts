import type { JsonInput, JsonNode } from "../../../iceberg/index.js";
import { keyName } from "../../model/content.js";
import type { Reference } from "../../model/references.js";
import type { ResolvedPlace } from "../../model/versions.js";
import { commitMetaToJson, referenceToJson } from "../../wire/nessie/json.js";
import {
  bodyOf,
  expectedRef,
  expressionOf,
  limitOf,
  type NessieCall,
  type NessieOperation,
  queryOf,
  requireExpected,
} from "./call.js";
import { referenceFilter } from "./filters.js";
import { badRequest } from "./nessie-fault.js";
import { pageToJson, toPage } from "./pages.js";

/** How many of a reference's recent places are told. */
const RECENT = 50;

export const referenceOperations: readonly NessieOperation[] = [
  {
    endpoint: "GET /trees",
    async run(call) {
      const { versions } = call;
      const filter = referenceFilter(queryOf(call, "filter"));
      const after = queryOf(call, "page-token");
      const references = (async function* () {
        for (const reference of await versions.references()) {
          if (after !== undefined && reference.name <= after) continue;
          if (filter === undefined || filter({ reference, head: await versions.commitAt(reference.hash) })) {
            yield reference;
          }
        }
      })();
      const page = await toPage(references, limitOf(call), ({ name }) => name);
      const items: JsonInput[] = [];
      for (const reference of page.items) items.push(await detailed(call, reference));
      return { ...pageToJson(page), references: items };
    },
  },
  {
    endpoint: "POST /trees",
    async run(call) {
      const type = typeOf(call);
      const name = queryOf(call, "name") ?? "";
      if (type === undefined) throw badRequest("type is required: branch or tag.");
      const at = await placeOf(call, bodyOf(call));
      return { reference: referenceToJson(await call.versions.createReference(type, name, at.commit.hash)) };
    },
  },
  {
    endpoint: "GET /trees/{ref}",
    async run(call) {
      const { name, expected } = await expectedRef(call, false);
      if (expected !== undefined)
        throw badRequest("Hashes are not allowed when fetching a reference by name.");
      return { reference: await detailed(call, await call.versions.reference(name)) };
    },
  },
  {
    endpoint: "PUT /trees/{ref}",
    async run(call) {
      const ref = await expectedRef(call, false);
      const expectedHash = requireExpected(ref).hash;
      await requireType(call, ref.name);
      const to = await placeOf(call, bodyOf(call));
      const assigned = await call.versions.assignReference(ref.name, to.commit.hash, { expectedHash });
      return { reference: referenceToJson(assigned) };
    },
  },
  {
    endpoint: "DELETE /trees/{ref}",
    async run(call) {
      const ref = await expectedRef(call, false);
      const expectedHash = requireExpected(ref).hash;
      await requireType(call, ref.name);
      if (ref.name === call.defaultBranch)
        throw badRequest(`Default branch '${ref.name}' cannot be deleted.`);
      return { reference: referenceToJson(await call.versions.deleteReference(ref.name, { expectedHash })) };
    },
  },
  {
    endpoint: "GET /trees/{ref}/recent-changes",
    async run(call) {
      const reference = await call.versions.reference(expressionOf(call, call.params[0] ?? ""));
      const previous: JsonInput[] = [];
      for await (const { from } of call.versions.reflog(reference.name)) {
        if (previous.length === RECENT || from === undefined) break;
        previous.push(await stateOf(call, from));
      }
      return {
        reference: referenceToJson(reference),
        current: await stateOf(call, reference.hash),
        previous,
        commitLogConsistency: "NOT_CHECKED",
      };
    },
  },
];

/** A place named by a body: a branch or tag, with or without a hash, or a commit alone. */
function placeOf(call: NessieCall, body: JsonNode): Promise<ResolvedPlace> {
  const name = body.optional("type")?.string() === "DETACHED" ? "" : (body.optional("name")?.string() ?? "");
  return call.versions.resolve(
    placeExpression(name === "DETACHED" ? "" : name, body.optional("hash")?.string()),
  );
}

/** `main`, `main@<hash>`, `main~1`, `@<hash>`: a hash in a body may be a step back as well. */
export function placeExpression(name: string, hash = ""): string {
  return /^[0-9a-fA-F]/.test(hash) ? `${name}@${hash}` : `${name}${hash}`;
}

function typeOf(call: NessieCall): Reference["type"] | undefined {
  const type = queryOf(call, "type")?.toUpperCase();
  if (type === undefined || type === "" || type === "BRANCH" || type === "TAG") return type || undefined;
  throw badRequest(`type is ${keyName([type])}: it should be branch or tag.`);
}

async function requireType(call: NessieCall, name: string): Promise<void> {
  const type = typeOf(call);
  if (type === undefined) return;
  const { type: actual } = await call.versions.reference(name);
  if (actual !== type) throw badRequest(`${name} is a ${actual.toLowerCase()}, not a ${type.toLowerCase()}.`);
}

/** A reference, with its head's commit where the request asks for all (`ReferenceMetadata`). */
async function detailed(call: NessieCall, reference: Reference): Promise<JsonInput> {
  if (queryOf(call, "fetch")?.toUpperCase() !== "ALL") return referenceToJson(reference);
  const head = await call.versions.commitAt(reference.hash);
  const commitMetaOfHEAD = head.parents.length === 0 ? null : commitMetaToJson(head);
  return referenceToJson(reference, { commitMetaOfHEAD });
}

async function stateOf({ versions }: NessieCall, commitHash: string): Promise<JsonInput> {
  const commit = await versions.commitAt(commitHash);
  const meta = commit.parents.length === 0 ? null : commitMetaToJson(commit);
  return { commitHash, commitConsistency: "NOT_CHECKED", meta };
}

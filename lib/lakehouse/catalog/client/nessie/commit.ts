import { randomUUID } from "node:crypto";
import { commitStateUnknown, type JsonInput } from "../../../iceberg/index.js";
import type { LoggedCommit } from "../../model/commits.js";
import { ConflictError, conflictOf, refusedCommit } from "../../model/conflicts.js";
import type { Content, ContentKey } from "../../model/content.js";
import type { Hash } from "../../model/hash.js";
import type { Operation } from "../../model/operations.js";
import type { CommitOptions, Place, Versions } from "../../model/versions.js";
import { contentToJson } from "../../wire/nessie/json.js";
import { keyToJson } from "../../wire/nessie/keys.js";
import type { NessieContext } from "./nessie-versions.js";
import { refPath } from "./trees.js";

/** The property of a commit that says whose it is: what an answer that was lost said is found by it. */
const TOKEN = "sololakehouse.token";

/** How often a commit is sent of which nothing was heard. */
const ATTEMPTS = 4;

/** How far back a token is looked for, in commits. */
const HORIZON = 1000;

/**
 * Commits as Nessie's clients do: against the hash at which the keys were read, so that the server refuses when one
 * of them changed since. For the same reason a commit whose answer was lost can be sent again: when the first one
 * got through, the second conflicts with it, and the history shows its token.
 */
export async function commitOperations(
  { trees, author }: NessieContext,
  versions: Versions,
  contents: (hash: Hash, keys: readonly ContentKey[]) => Promise<(Content | undefined)[]>,
  branch: string,
  operations: readonly Operation[],
  options: CommitOptions,
): Promise<Place> {
  const { message, coAuthors = [], properties = {}, token = randomUUID() } = options;
  const expectedHash = options.expectedHash ?? (await checkedHead(versions, contents, branch, operations));
  const all = { ...properties, [TOKEN]: token };
  const body = {
    commitMeta: {
      message,
      authors: [options.author ?? author, ...coAuthors],
      allProperties: Object.fromEntries(Object.entries(all).map(([name, value]) => [name, [value]])),
    },
    operations: toJson(operations),
  };
  const path = `${refPath(`${branch}@${expectedHash}`)}/history/commit`;
  let mayBeThere = options.token !== undefined;
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await trees.change("POST", path, branch, body);
      return { hash: answer.get("targetBranch").get("hash").string() };
    } catch (error) {
      if (commitStateUnknown.is(error) && attempt < ATTEMPTS) {
        mayBeThere = true;
        continue;
      }
      if (!(error instanceof ConflictError) || !mayBeThere) throw error;
      const head = (await versions.resolve(branch)).commit;
      const earlier = await versions.findToken(head, token);
      if (earlier === undefined) throw error;
      return earlier;
    }
  }
}

/** The commit with a token, among the last of a history. */
export async function findToken(
  history: AsyncIterable<LoggedCommit>,
  token: string,
): Promise<LoggedCommit | undefined> {
  let seen = 0;
  for await (const commit of history) {
    if (commit.properties[TOKEN] === token) return commit;
    seen += 1;
    if (seen === HORIZON) break;
  }
  return undefined;
}

/** The head of the branch, where the keys hold what the operations expect. Throws a `ConflictError`. */
async function checkedHead(
  versions: Versions,
  contents: (hash: Hash, keys: readonly ContentKey[]) => Promise<(Content | undefined)[]>,
  branch: string,
  operations: readonly Operation[],
): Promise<Hash> {
  const { hash } = await versions.reference(branch);
  const expecting = operations.filter(({ expected }) => expected !== undefined);
  if (expecting.length === 0) return hash;
  const found = await contents(
    hash,
    expecting.map(({ key }) => key),
  );
  const conflicts = expecting.flatMap(
    ({ key, expected }, i) => conflictOf(key, expected ?? undefined, found[i]) ?? [],
  );
  if (conflicts.length === 0) return hash;
  throw refusedCommit(branch, conflicts);
}

/** A new content has no id: the server gives it one. One that moves within the commit keeps its own. */
function toJson(operations: readonly Operation[]): JsonInput[] {
  const moved = new Set(
    operations.flatMap((operation) => (operation.type === "DELETE" ? (operation.expected?.id ?? []) : [])),
  );
  return operations.map((operation) => {
    const { type, key } = operation;
    if (type !== "PUT") return { type, key: keyToJson(key) };
    const { content, expected } = operation;
    const isNew = expected === null && !moved.has(content.id);
    return {
      type,
      key: keyToJson(key),
      content: isNew ? withoutId(content, key) : contentToJson(content, key),
    };
  });
}

function withoutId(content: Content, key: ContentKey): JsonInput {
  const { id: _, ...json } = contentToJson(content, key);
  return json;
}

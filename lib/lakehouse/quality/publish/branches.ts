import { randomBytes } from "node:crypto";
import type { BranchingCatalog, Hash } from "../../catalog/index.js";
import { invalidArgument } from "../../errors.js";
import { noSuchRef, refExists } from "../../iceberg/index.js";

/**
 * The branches of a publication, which are all of its state:
 *
 *   publish/<table>/<token>/landing-<time>-<random>   being written, by one attempt
 *   publish/<table>/<token>/landed-<hash>             written whole, from the commit that this names: made by one step
 *   publish/<table>/<token>/audit-<time>-<random>     what the target would be, being checked
 *   publish/<table>/<token>/blocked                   what the checks did not let through, for people to look at
 *
 * Whoever finds what has landed goes on from there. What a crash left of the others is deleted later, by their times.
 */
export interface Branches {
  readonly blocked: string;
  /** @param from the commit that the landing was made from. */
  readonly landed: (from: Hash) => string;
  /** A new name for each attempt. */
  readonly attempt: (step: "landing" | "audit") => string;
}

/** How long what a crash may have left is let alone: it may be at work yet. */
const ABANDONED_MS = 24 * 3_600_000;

/** @throws LakehouseError INVALID_ARGUMENT for a token that no branch can be named by. */
export function branchesOf(table: string, token: string): Branches {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(token))
    throw invalidArgument(
      "token",
      `The token ${JSON.stringify(token)} cannot name a branch.`,
      "Use up to 100 letters, digits, hyphens and underscores.",
    );
  const base = `${folderOf(table)}${token}/`;
  return {
    blocked: `${base}blocked`,
    landed: (from) => `${base}landed-${from}`,
    attempt: (step) => `${base}${step}-${stamp()}`,
  };
}

/** What has landed and was not published yet: its branch, and the commit that it was made from. */
export interface Landed {
  readonly branch: string;
  readonly from: Hash;
}

export async function findLanded(
  catalog: BranchingCatalog,
  { landed }: Branches,
): Promise<Landed | undefined> {
  const prefix = landed("");
  const found = (await catalog.references()).find(({ name }) => name.startsWith(prefix));
  return found && { branch: found.name, from: found.name.slice(prefix.length) };
}

/** A token of one publication that nobody will ask for again. */
export function newToken(): string {
  return `once-${stamp()}`;
}

/** Milliseconds since 1970 and what no other attempt has. */
function stamp(): string {
  return `${Date.now()}-${randomBytes(6).toString("hex")}`;
}

/** Names of tables may be of any characters, those of branches not: others stand as their codes, as `_u20_`. */
function folderOf(table: string): string {
  const escaped = table.replace(
    /[^A-Za-z0-9.-]|\.(?=\.|$)/g,
    (each) => `_u${each.codePointAt(0)?.toString(16)}_`,
  );
  return `publish/${escaped}/`;
}

/**
 * Deletes what earlier publications of a table left when they ended: of one token now, of others once they are a day old.
 * What is landed under a token of its user's stays until that is published, and so does what was blocked.
 */
export async function sweep(
  catalog: BranchingCatalog,
  table: string,
  token: string | undefined,
): Promise<void> {
  const folder = folderOf(table);
  for (const { name } of await catalog.references()) {
    if (!name.startsWith(folder) || name.endsWith("/blocked")) continue;
    const [own = "", last = ""] = name.slice(folder.length).split("/");
    const time = Number(
      /^(?:landing|audit)-(\d+)-/.exec(last)?.[1] ?? /^once-(\d+)-[0-9a-f]{12}$/.exec(own)?.[1],
    );
    const isOld = Date.now() - time > ABANDONED_MS;
    if (own === token || isOld) await removeBranch(catalog, name);
  }
}

/** Deletes a branch, if it is there. */
export async function removeBranch(catalog: BranchingCatalog, name: string): Promise<void> {
  try {
    await catalog.deleteReference(name);
  } catch (error) {
    if (!noSuchRef.is(error)) throw error;
  }
}

/** True when it was made here, false where it was there. */
export async function makeBranch(catalog: BranchingCatalog, name: string, from: string): Promise<boolean> {
  try {
    await catalog.createBranch(name, { from });
    return true;
  } catch (error) {
    if (refExists.is(error)) return false;
    throw error;
  }
}

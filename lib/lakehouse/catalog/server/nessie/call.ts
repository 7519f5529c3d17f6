import type { JsonInput, JsonNode } from "../../../iceberg/index.js";
import type { Content, ContentKey } from "../../model/content.js";
import { parseReferenceExpression } from "../../model/reference-expression.js";
import type { Place, ResolvedPlace, Versions } from "../../model/versions.js";
import { keyFromPath } from "../../wire/nessie/keys.js";
import type { ServerContext } from "../http/api.js";
import { badRequest } from "./nessie-fault.js";

/** One request to Nessie's API, taken apart. */
export interface NessieCall {
  readonly context: ServerContext;
  readonly versions: Versions;
  /** What `-` stands for, and what cannot be deleted. */
  readonly defaultBranch: string;
  /** Decoded path parameters, in their order. */
  readonly params: readonly string[];
  readonly query: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** `undefined` where the request has none. */
  readonly body: JsonNode | undefined;
}

/** One operation of Nessie's API v2. */
export interface NessieOperation {
  /** As the API's document writes it, below `/api/v2`. */
  readonly endpoint: string;
  run(call: NessieCall): Promise<JsonInput>;
}

export function bodyOf({ body }: NessieCall): JsonNode {
  if (body === undefined) throw badRequest("The request has no body: send one as application/json.");
  return body;
}

export function queryOf({ query }: NessieCall, name: string): string | undefined {
  const value = query[name];
  if (typeof value === "string" || value === undefined) return value;
  throw badRequest(`${name} is given more than once.`);
}

export function flagOf(call: NessieCall, name: string): boolean {
  return queryOf(call, name)?.toLowerCase() === "true";
}

/** `max-records`: at most so many items; as many as there are where not given, unless `fallback` says otherwise. */
export function limitOf(call: NessieCall, fallback = Number.POSITIVE_INFINITY): number {
  const text = queryOf(call, "max-records");
  if (text === undefined || text === "") return fallback;
  if (!/^\d{1,9}$/.test(text))
    throw badRequest(`max-records is ${JSON.stringify(text)}: it should be a number.`);
  return Number(text) === 0 ? fallback : Math.min(Number(text), fallback);
}

export function keyOf(text: string): ContentKey {
  const key = keyFromPath(text);
  if (key === undefined || key.length === 0) throw badRequest(`${JSON.stringify(text)} is no content key.`);
  return key;
}

export function keysOf({ query }: NessieCall, name: string): ContentKey[] {
  const values = query[name] ?? [];
  return (typeof values === "string" ? [values] : values).map(keyOf);
}

/** A reference as paths write it, as an expression: `-` is the default branch, `DETACHED@<hash>` a commit alone. */
export function expressionOf({ defaultBranch }: NessieCall, text: string): string {
  return text.replace(/^-(?=$|[@~^*])/, defaultBranch).replace(/^DETACHED(?=@)/, "");
}

/** What the path's `index`-th parameter names. */
export function resolved(call: NessieCall, index = 0): Promise<ResolvedPlace> {
  return call.versions.resolve(expressionOf(call, call.params[index] ?? ""));
}

/** A ref that is to change, and the commit at which the client expects it. */
export interface ExpectedRef {
  readonly name: string;
  readonly expected: Place | undefined;
}

/**
 * The path's reference as one that is to change: `main@<hash>`.
 *
 * @param within the hash must lie in the ref's history, and not only be what the ref is compared with
 */
export async function expectedRef(call: NessieCall, within: boolean): Promise<ExpectedRef> {
  const text = expressionOf(call, call.params[0] ?? "");
  const { name, hash, steps } = parseReferenceExpression(text);
  if (name === undefined) throw badRequest(`${text} names no branch or tag.`);
  if (hash === undefined && steps.length === 0) return { name, expected: undefined };
  const expression = within || hash === undefined ? text : text.slice(name.length);
  return { name, expected: (await call.versions.resolve(expression)).commit };
}

export function requireExpected({ expected }: ExpectedRef): Place {
  if (expected === undefined) throw badRequest("Expected hash must be provided: write it as main@<hash>.");
  return expected;
}

/** The contents of keys, in their order. */
export function contentsAt(
  { versions }: NessieCall,
  place: Place,
  keys: readonly ContentKey[],
): Promise<(Content | undefined)[]> {
  return Promise.all(keys.map((key) => versions.content(place, key)));
}

import type { LakehouseError } from "../../errors.js";
import { invalidSql } from "../errors.js";
import type { Span } from "../text/compose.js";
import { fromByteString, isKeyword } from "../text/tokens.js";
import { Cursor } from "./cursor.js";

const KINDS = ["INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "CREATE", "ALTER", "DROP", "COPY"] as const;

export type StatementKind = (typeof KINDS)[number];

/** What a statement that writes begins with. */
export interface Beginning {
  readonly kind: StatementKind;
  /** Its WITH clause, which ends in a space; empty where it has none. */
  readonly with: Span;
  /** Behind the word that says the kind. */
  readonly cursor: Cursor;
}

/** The beginning of a statement that writes; `undefined` for all others. */
export function beginningOf(text: string): Beginning | undefined {
  const cursor = new Cursor(text);
  const start = cursor.peek()?.start ?? 0;
  if (cursor.is("WITH")) {
    // The last of the queries that it names ends in a parenthesis; no name of theirs stands behind one.
    cursor.until(({ at, tokens }) => tokens[at - 1]?.text === ")" && isKeyword(tokens[at], ...KINDS));
    if (cursor.isDone) return undefined;
  }
  const kind = KINDS.find((word) => cursor.is(word));
  if (kind === undefined) return undefined;
  const end = cursor.peek()?.start ?? start;
  cursor.at++;
  return { kind, with: { start, end }, cursor };
}

/** A part of a statement that is understood and not done. */
export function refusePart(cursor: Cursor, why: string, remedy: string): LakehouseError {
  return invalidSql(fromByteString(cursor.text), why, remedy);
}

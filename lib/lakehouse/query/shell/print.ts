import { once } from "node:events";
import { printable } from "../../terminal/index.js";
import type { ResultFormat } from "../result/format.js";
import type { QueryResult } from "../result/query-result.js";

export interface PrintOptions {
  readonly to?: NodeJS.WriteStream | undefined;
  /** Ends the printing, and the query with it. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Prints a result as its rows come. On a terminal a table is no wider than it is, shows the first rows and counts the
 * others, and nothing is sent that would tell the terminal something; elsewhere all rows go out as they are, so that a
 * reader who has left is noticed. One who is slow is waited for: memory stays flat.
 */
export async function printResult(
  result: QueryResult,
  format: ResultFormat,
  { to = process.stdout, signal }: PrintOptions = {},
): Promise<void> {
  const options = to.isTTY ? { width: to.columns } : { maxRows: Number.POSITIVE_INFINITY };
  for await (const piece of result.text(format, options)) {
    if (signal?.aborted) return;
    if (!to.write(to.isTTY ? printable(piece) : piece)) await once(to, "drain", { signal });
  }
}

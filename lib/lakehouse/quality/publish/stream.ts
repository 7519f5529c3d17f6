import type { StreamOptions, StreamWriter, Table } from "../../iceberg/index.js";
import { checkTable, type QualityContext } from "../check.js";
import type { Check } from "../checks/types.js";
import { RowsRefusedError } from "../errors.js";

/**
 * A stream whose rows are checked before each of its commits, on the table as that commit would leave it: where another
 * commit came first, they are checked again on top of it.
 */
export function checkedStream<Row>(
  context: QualityContext,
  table: Table<Row>,
  ref: string | undefined,
  checks: readonly Check[],
  { samples, ...options }: StreamOptions & { readonly samples?: number | undefined },
): Promise<StreamWriter<Row>> {
  if (checks.length === 0) return table.stream(options);
  return table.stream({
    ...options,
    audit: async (next, since) => {
      const checked = { table: next, ref, isNew: since === undefined };
      const report = await checkTable(context, checked, { checks, since, samples, signal: options.signal });
      if (!report.passed) throw new RowsRefusedError(report);
    },
  });
}

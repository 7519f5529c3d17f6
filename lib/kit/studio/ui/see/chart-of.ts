import type { ChartSpec } from "../../../look/index.js";
import type { SqlResult } from "../../contract.js";

interface DrawnResult {
  readonly spec: ChartSpec;
  readonly title: string;
  readonly alt: string;
}

const NUMBER = /INT|DOUBLE|FLOAT|DECIMAL|REAL/i;
const TIME = /DATE|TIME/i;
/** More bars than that are a texture. */
const MOST_BARS = 40;

/**
 * A chart of a result where there is one to draw: a line over a time, or else bars by the first text.
 *
 * @returns nothing where there is no number, or nothing to draw it by
 */
export function chartOf({ columns, rows }: SqlResult): DrawnResult | undefined {
  const index = (test: (type: string, at: number) => boolean) =>
    columns.findIndex(({ type }, at) => test(type, at));
  const time = index((type) => TIME.test(type));
  const word = index((type) => /VARCHAR|BOOLEAN/i.test(type));
  const by = time >= 0 ? time : word >= 0 ? word : index((type) => NUMBER.test(type));
  const value = index((type, at) => NUMBER.test(type) && at !== by);
  const [over, of] = [columns[by]?.name, columns[value]?.name];
  if (over === undefined || of === undefined || rows.length < 2) return undefined;
  const isLine = time >= 0;
  if (!isLine && rows.length > MOST_BARS) return undefined;
  const values = rows.map((row) => ({ over: row[by], of: Number(row[value]) }));
  const title = `${of} by ${over}`;
  const quantity = { field: "of", type: "quantitative", title: of };
  const spec = isLine
    ? {
        data: { values },
        height: 220,
        mark: "line",
        encoding: { x: { field: "over", type: "temporal", title: null }, y: quantity },
      }
    : {
        data: { values: values.map((each) => ({ ...each, over: String(each.over) })) },
        height: { step: 22 },
        mark: "bar",
        encoding: { y: { field: "over", type: "nominal", sort: null, title: null }, x: quantity },
      };
  return { spec, title, alt: `${title}: ${rows.length} values. The rows have them all.` };
}

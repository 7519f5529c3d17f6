/** Statements that change rows. */
import type { Draw } from "./draw.js";
import { type Column, type Drawn, quote } from "./drawn.js";

export function insert(draw: Draw): Drawn {
  const { random } = draw;
  const table = draw.table();
  const columns = random.chance(50) ? table.columns : random.some(table.columns);
  const names =
    random.chance(60) || columns !== table.columns
      ? ` (${columns.map((each) => draw.column(each)).join(", ")})`
      : "";
  if (random.chance(60)) {
    const value = ({ kind }: Column) => (random.chance(6) ? "DEFAULT" : draw.literal(kind));
    const rows = random.many(6, () => `(${columns.map(value).join(", ")})`);
    return draw.drawn(`INSERT INTO ${draw.name(table.name)}${names} VALUES ${rows.join(", ")}`);
  }
  const from = draw.relation();
  const { text, by } = draw.source(from);
  const values = columns.map((each) => draw.expression(each, from.columns, by));
  const rest = ` FROM ${text} WHERE ${draw.condition(from.columns, by)}`;
  if (random.chance(30)) {
    const named = columns.map((each, i) => `${values[i]} AS ${draw.column(each)}`);
    return draw.drawn(`INSERT INTO ${draw.name(table.name)} BY NAME SELECT ${named.join(", ")}${rest}`);
  }
  return draw.drawn(`INSERT INTO ${draw.name(table.name)}${names} SELECT ${values.join(", ")}${rest}`);
}

export function update(draw: Draw): Drawn {
  const { random } = draw;
  const table = draw.table();
  const { text, by } = draw.source(table);
  const set = random
    .some(table.columns)
    .slice(0, 3)
    .map((each) => {
      const value = random.chance(8) ? "DEFAULT" : draw.expression(each, table.columns, by);
      return `${draw.column(each)} = ${value}`;
    });
  const where = random.chance(85) ? ` WHERE ${draw.condition(table.columns, by)}` : "";
  return draw.drawn(`UPDATE ${text} SET ${set.join(", ")}${where}`);
}

export function deleteRows(draw: Draw): Drawn {
  const table = draw.table();
  if (draw.random.chance(4)) return draw.drawn(`TRUNCATE ${draw.name(table.name)}`);
  const { text, by } = draw.source(table);
  const other = draw.relation();
  const pair = draw.pair(table, other);
  if (pair !== undefined && draw.random.chance(25)) {
    const [key, theirs] = pair;
    const inner = draw.source(other);
    const equal = `${draw.column(theirs, `i${inner.by}`)} = ${draw.column(key, by)}`;
    const some = `SELECT 1 FROM ${draw.name(other.name)} AS ${quote(`i${inner.by}`)} WHERE ${equal}`;
    return draw.drawn(`DELETE FROM ${text} WHERE ${draw.random.one(["", "NOT "])}EXISTS (${some})`);
  }
  return draw.drawn(`DELETE FROM ${text} WHERE ${draw.condition(table.columns, by)}`);
}

/** By a key that a source has once. */
export function merge(draw: Draw): Drawn {
  const { random } = draw;
  const table = draw.table();
  const other = draw.relation();
  const pair = draw.pair(table, other);
  if (pair === undefined) return update(draw);
  const [key, theirs] = pair;
  const { text, by } = draw.source(table);
  const rank = `any_value(${quote(theirs.name)})`;
  const source = `(SELECT ${quote(theirs.name)} AS k, count(*) AS n, ${rank} AS v FROM ${draw.name(other.name)} GROUP BY ALL) AS "the source"`;
  const mine = (column: Column) => draw.expression(column, table.columns, by);
  const set = (column: Column) =>
    `${draw.column(column)} = ${column === key ? '"the source".k' : mine(column)}`;
  const values = table.columns.map((each) =>
    each.kind === key.kind ? '"the source".v' : draw.literal(each.kind),
  );
  const names = table.columns.map((each) => draw.column(each)).join(", ");
  const clauses = random.some([
    () => `WHEN MATCHED AND ${draw.condition(table.columns, by)} THEN DELETE`,
    () => `WHEN MATCHED AND "the source".n > 1 THEN DO NOTHING`,
    () => `WHEN MATCHED THEN UPDATE SET ${random.some(table.columns).map(set).join(", ")}`,
    () => `WHEN NOT MATCHED AND "the source".n > 1 THEN INSERT (${draw.column(key)}) VALUES ("the source".k)`,
    () => `WHEN NOT MATCHED THEN INSERT (${names}) VALUES (${values.join(", ")})`,
    () => `WHEN NOT MATCHED BY SOURCE AND ${draw.condition(table.columns, by)} THEN DELETE`,
    () =>
      `WHEN NOT MATCHED BY SOURCE THEN UPDATE SET ${random
        .some(table.columns)
        .slice(0, 2)
        .map((each) => `${draw.column(each)} = ${mine(each)}`)
        .join(", ")}`,
  ]);
  const on = `${draw.column(key, by)} = "the source".k`;
  return draw.drawn(
    `MERGE INTO ${text} USING ${source} ON ${on} ${clauses.map((clause) => clause()).join(" ")}`,
  );
}

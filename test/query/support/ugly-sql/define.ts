/** Statements that change what tables and views there are, and what columns they have. */
import { type Draw, lower, within } from "./draw.js";
import { type Column, type Drawn, quote } from "./drawn.js";
import { INTEGER, KINDS, WIDER } from "./kinds.js";

export function createTable(draw: Draw): Drawn {
  const { random } = draw;
  const { tables, views } = draw.world;
  const name = draw.newRelation();
  const columns: Column[] = [];
  for (let count = 1 + random.below(5); count > 0; count--) {
    const kind = count === 1 ? INTEGER : random.one(KINDS);
    columns.push({ name: draw.newColumn(columns), kind });
  }
  const defined = columns.map((each) => {
    const value = random.chance(25) && each.kind.isOrdered ? draw.defaultOf(each.kind) : undefined;
    return `${quote(each.name)} ${each.kind.sql}${value === undefined ? "" : ` DEFAULT ${value}`}`;
  });
  const text = `CREATE TABLE ${draw.name(name)} (${defined.join(", ")})`;
  const after = { views, tables: [...tables, { name, columns }] };
  return draw.drawn(text, after, text + layoutOf(draw, columns));
}

/** Makes a table of a query's rows, at times in place of the one that it reads. */
export function createTableAs(draw: Draw): Drawn {
  const { random } = draw;
  const { tables, views } = draw.world;
  const from = draw.relation();
  const { text, by } = draw.source(from);
  const replaced = random.chance(60) ? random.one(tables).name : undefined;
  const name = replaced ?? draw.newRelation();
  const columns = random.some(from.columns);
  const items = columns.map((each) => `${draw.column(each, by)} AS ${quote(each.name)}`);
  const as = `TABLE ${draw.name(name)} AS SELECT ${items.join(", ")} FROM ${text} WHERE ${draw.condition(from.columns, by)}`;
  const others = tables.filter((each) => each.name !== name);
  const create = replaced === undefined ? "CREATE" : "CREATE OR REPLACE";
  return draw.drawn(`${create} ${as}`, { views, tables: [...others, { name, columns }] });
}

export function createView(draw: Draw): Drawn {
  const { random } = draw;
  const { tables, views } = draw.world;
  const from = draw.relation();
  const name = draw.newRelation();
  const { text, by } = draw.source(from);
  const shown = random.some(from.columns);
  const where = random.chance(70) ? ` WHERE ${draw.condition(from.columns, by)}` : "";
  const renamed: Column[] = [];
  for (const { kind, name: old } of shown) {
    const isFree = !renamed.some((each) => lower(each.name) === lower(old));
    const name = isFree && random.chance(50) ? old : draw.newColumn([...renamed, ...from.columns]);
    renamed.push({ kind, name });
  }
  const list = random.chance(50);
  const items = shown.map(
    (each, i) => `${draw.column(each, by)}${list ? "" : ` AS ${quote((renamed[i] as Column).name)}`}`,
  );
  const names = list ? ` (${renamed.map((each) => quote(each.name)).join(", ")})` : "";
  const distinct = random.chance(20) && shown.every(({ kind }) => kind.isOrdered) ? "DISTINCT " : "";
  const again = random.chance(20)
    ? ` UNION ALL SELECT ${shown.map((each) => quote(each.name)).join(", ")} FROM ${draw.name(from.name)}`
    : "";
  return draw.drawn(
    `CREATE VIEW ${draw.name(name)}${names} AS SELECT ${distinct}${items.join(", ")} FROM ${text}${where}${again}`,
    { tables, views: [...views, { name, columns: renamed }] },
  );
}

export function alter(draw: Draw): Drawn {
  const { random } = draw;
  const table = draw.table();
  const { columns } = table;
  const column = random.one(columns);
  const name = draw.newColumn(columns);
  const alter = `ALTER TABLE ${draw.name(table.name)}`;
  const wider = KINDS.find(({ sql }) => sql === WIDER[column.kind.sql]);
  const replace = (changed: Column) =>
    draw.with(table, { columns: columns.map((each) => (each === column ? changed : each)) });
  const choices = [
    () => {
      const added = { name, kind: random.one(KINDS) };
      return draw.drawn(
        `${alter} ADD COLUMN ${quote(name)} ${added.kind.sql}`,
        draw.with(table, { columns: [...columns, added] }),
      );
    },
    () =>
      draw.drawn(
        `${alter} RENAME COLUMN ${draw.column(column)} TO ${quote(name)}`,
        replace({ ...column, name }),
      ),
    () => draw.drawn(`${alter} ALTER ${draw.column(column)} DROP DEFAULT`),
  ];
  if (column.kind.isOrdered)
    choices.push(() =>
      draw.drawn(`${alter} ALTER ${draw.column(column)} SET DEFAULT ${draw.defaultOf(column.kind)}`),
    );
  if (columns.length > 1)
    choices.push(() =>
      draw.drawn(
        `${alter} DROP COLUMN ${draw.column(column)}`,
        draw.with(table, { columns: columns.filter((each) => each !== column) }),
      ),
    );
  if (wider !== undefined)
    choices.push(() =>
      draw.drawn(
        `${alter} ALTER ${draw.column(column)} TYPE ${wider.sql}`,
        replace({ ...column, kind: wider }),
      ),
    );
  return random.one(choices)();
}

export function rename(draw: Draw): Drawn {
  const table = draw.table();
  const name = draw.newRelation();
  return draw.drawn(
    `ALTER TABLE ${draw.name(table.name)} RENAME TO ${quote(name)}`,
    draw.with(table, { name }),
  );
}

export function drop(draw: Draw): Drawn {
  const { tables, views } = draw.world;
  const view = views.at(-1);
  if (view !== undefined && draw.random.chance(70))
    return draw.drawn(`DROP VIEW ${draw.name(view.name)}`, { tables, views: views.slice(0, -1) });
  if (tables.length < 3) return createTable(draw);
  const table = draw.table();
  return draw.drawn(`DROP TABLE ${draw.name(table.name)}`, {
    views,
    tables: tables.filter((each) => each !== table),
  });
}

/** What only the lakehouse knows: the layout of files to come. */
export function layout(draw: Draw): Drawn {
  const table = draw.table();
  const terms = partitionTerms(draw, table.columns);
  const by =
    terms.length === 0
      ? "SET ('write.delete.mode' = 'merge-on-read')"
      : `SET PARTITIONED BY (${terms.join(", ")})`;
  return draw.drawn("SELECT 1", undefined, `ALTER TABLE ${draw.name(table.name)} ${by}`);
}

/** What DuckDB's own tables do not have. */
function layoutOf(draw: Draw, columns: readonly Column[]): string {
  const { random } = draw;
  const terms = random.chance(40) ? [] : partitionTerms(draw, columns);
  const sorted = columns.filter(({ kind }) => kind.isOrdered);
  const order = sorted.length === 0 || random.chance(60) ? undefined : quote(random.one(sorted).name);
  const properties = [
    `'format-version' = '${random.one([2, 3])}'`,
    ...["delete", "update", "merge"].map(
      (name) => `'write.${name}.mode' = '${random.one(["copy-on-write", "merge-on-read"])}'`,
    ),
    `'write.metadata.metrics.default' = '${random.one(["none", "counts", "truncate(2)", "truncate(16)", "full"])}'`,
  ];
  return [
    terms.length > 0 ? ` PARTITIONED BY (${terms.join(", ")})` : "",
    order === undefined ? "" : ` SORTED BY (${order})`,
    ` WITH (${properties.join(", ")})`,
  ].join("");
}

/** None where no column can be partitioned by. */
function partitionTerms({ random }: Draw, columns: readonly Column[]): string[] {
  const able = columns.filter(({ kind }) => kind.transforms.length > 0);
  if (able.length === 0) return [];
  const some = random.some(able).slice(0, 2);
  return some.map((each) => within(random.one(each.kind.transforms), quote(each.name)));
}

import type { Random } from "../random-tables/random.js";
import { anyLiteral, INTEGER, KINDS, type Kind, type Literal, WIDER } from "./kinds.js";

/*
 * Statements drawn at random, which mean something whatever the tables are by then. A text has marks in it, for literals,
 * which may be parameters, and behind the names of tables, where a branch may be named.
 */

export interface Column {
  readonly name: string;
  readonly kind: Kind;
}

export interface Relation {
  readonly name: string;
  readonly columns: readonly Column[];
}

export interface View extends Relation {
  /** What it reads. */
  readonly reads: readonly string[];
}

/** What there is on a branch. */
export interface World {
  tables: readonly Relation[];
  views: readonly View[];
}

export interface Drawn {
  readonly text: string;
  /** What the lakehouse is told instead. */
  readonly ours?: string;
  readonly literals: readonly Literal[];
  /** What there is when it is done. */
  readonly after?: World;
}

const AT = "\u{f0002}";
const LITERAL = /\u{f0000}(\d+)\u{f0001}/gu;

/** A text with its literals in place. */
export function spelled({ text, literals }: Drawn): string {
  return text
    .replaceAll(LITERAL, (_, at: string) => (literals[Number(at)] as Literal).text)
    .replaceAll(AT, "");
}

/** A text for the lakehouse, which may name a branch at each table, and have parameters for literals. */
export function ours(
  { text, ours: other = text, literals }: Drawn,
  branch: string | undefined,
  hasParameters: boolean,
): { readonly text: string; readonly params: readonly NonNullable<Literal["param"]>[] } {
  const params: NonNullable<Literal["param"]>[] = [];
  const withLiterals = other.replaceAll(LITERAL, (_, at: string) => {
    const literal = literals[Number(at)] as Literal;
    if (!hasParameters || literal.param === undefined || literal.param === null) return literal.text;
    params.push(literal.param);
    return "?";
  });
  return { text: withLiterals.replaceAll(AT, branch === undefined ? "" : `@"${branch}"`), params };
}

const RELATIONS = [
  "t",
  "select",
  'we"ird',
  "a.b",
  "it's",
  "ünï",
  "😀",
  " ",
  "x@y",
  "from",
  "changes",
  "t1",
  "-- x",
  "a;b",
  "q",
  "main",
  "n",
];
const COLUMNS = [
  "a",
  "k",
  "select",
  "from",
  "a.b",
  'q"q',
  "it's",
  "ünï",
  "😀",
  " ",
  "x@y",
  "-- c",
  ";",
  "t",
  "s",
  "q",
  "value",
  "rowid",
  "file",
  "pos",
  "p0",
  "c1",
  "deleted",
  "?",
  "$1",
  "Count",
  "order",
  "n",
  "x\ny",
  "É",
  "ß",
  "_task",
  "filename",
];

export const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
const lower = (name: string) => name.toLowerCase();

export class Draw {
  readonly random: Random;
  readonly namespace: string;
  readonly #world: World;
  readonly #literals: Literal[] = [];

  constructor(random: Random, namespace: string, world: World) {
    this.random = random;
    this.namespace = namespace;
    this.#world = world;
  }

  #drawn(text: string, after?: World, ours?: string): Drawn {
    return { text, literals: this.#literals, ...(after && { after }), ...(ours !== undefined && { ours }) };
  }

  #name(name: string): string {
    return `${this.namespace}.${quote(name)}${AT}`;
  }

  #literal(kind: Kind): string {
    const literal = anyLiteral(this.random, kind);
    return `\u{f0000}${this.#literals.push(literal) - 1}\u{f0001}`;
  }

  /** A default is in the metadata, which is JSON and has finite numbers alone. */
  #default({ values }: Kind): string {
    return this.random.one(values.filter(({ text }) => !/^'(nan|-?inf)'$/.test(text))).text;
  }

  /** A column, at times in another case. */
  #column({ name }: Column, of?: string): string {
    const spelling = this.random.chance(20) && /^[a-z]+$/i.test(name) ? name.toUpperCase() : name;
    return of === undefined ? quote(spelling) : `${quote(of)}.${quote(spelling)}`;
  }

  #within(text: string, column: string): string {
    return text.replaceAll(/\bc\b/g, () => column);
  }

  #newName(of: readonly string[], taken: readonly string[]): string {
    const known = new Set(taken.map(lower));
    const free = of.filter((name) => !known.has(lower(name)));
    return this.random.one(free);
  }

  #condition(columns: readonly Column[], of?: string, depth = 0): string {
    const { random } = this;
    if (depth < 2 && random.chance(35)) {
      const one = this.#condition(columns, of, depth + 1);
      if (random.chance(30)) return `NOT (${one})`;
      return `(${one} ${random.one(["AND", "OR"])} ${this.#condition(columns, of, depth + 1)})`;
    }
    const column = random.one(columns);
    const { kind } = column;
    const c = this.#column(column, of);
    const value = () => this.#literal(kind);
    if (kind.conditions.length > 0 && random.chance(35)) return this.#within(random.one(kind.conditions), c);
    if (random.chance(12)) return `${c} IS ${random.one(["", "NOT "])}NULL`;
    const same = columns.filter((each) => each.kind === kind);
    if (!kind.isOrdered) return `${c} IS ${random.one(["", "NOT "])}DISTINCT FROM ${value()}`;
    return random.one([
      () =>
        `${c} ${random.one(["=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"])} ${value()}`,
      () => `${value()} ${random.one(["=", "<", ">="])} ${c}`,
      () => `${c} ${random.one(["", "NOT "])}IN (${random.many(3, value).join(", ")})`,
      () => `${c} ${random.one(["", "NOT "])}BETWEEN ${value()} AND ${value()}`,
      () => `${c} ${random.one(["=", "<", "IS DISTINCT FROM"])} ${this.#column(random.one(same), of)}`,
      () => `coalesce(${c}, ${value()}) = ${value()}`,
      () => `CASE WHEN ${c} IS NULL THEN ${random.one(["true", "NULL"])} ELSE ${c} >= ${value()} END`,
    ])();
  }

  /** A value of a column's type, out of a row. */
  #expression({ kind }: Column, columns: readonly Column[], of?: string): string {
    const { random } = this;
    const same = columns.filter((each) => each.kind === kind);
    const choices = [() => this.#literal(kind)];
    if (same.length > 0) {
      const c = () => this.#column(random.one(same), of);
      choices.push(c, () => `coalesce(${c()}, ${this.#literal(kind)})`);
      choices.push(
        () => `CASE WHEN ${this.#condition(columns, of)} THEN ${c()} ELSE ${this.#literal(kind)} END`,
      );
      if (kind.expressions.length > 0)
        choices.push(
          () => this.#within(random.one(kind.expressions), c()),
          () => this.#within(random.one(kind.expressions), c()),
        );
    }
    return random.one(choices)();
  }

  #table(): Relation {
    return this.random.one(this.#world.tables);
  }

  #relation(): Relation {
    return this.random.one([...this.#world.tables, ...this.#world.tables, ...this.#world.views]);
  }

  #alias(columns: readonly Column[]): string {
    return this.#newName(
      ["x", "u p", "on", "q", "ß1", "Ta"],
      columns.map(({ name }) => name),
    );
  }

  /** `relation [AS alias]`, and by what its columns are named. */
  #source(relation: Relation): { readonly text: string; readonly by: string } {
    const by = this.#alias(relation.columns);
    return { text: `${this.#name(relation.name)} AS ${quote(by)}`, by };
  }

  #with(table: Relation, changed: Partial<Relation>): World {
    const { tables, views } = this.#world;
    return {
      views,
      tables: tables.map((each) => (each.name === table.name ? { ...each, ...changed } : each)),
    };
  }

  #layout(columns: readonly Column[]): string {
    const { random } = this;
    const able = columns.filter(({ kind }) => kind.transforms.length > 0);
    const fields = able.length === 0 || random.chance(40) ? [] : random.some(able).slice(0, 2);
    const terms = fields.map((each) => this.#within(random.one(each.kind.transforms), quote(each.name)));
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

  createTable(): Drawn {
    const { random } = this;
    const { tables, views } = this.#world;
    const name = this.#newName(
      RELATIONS,
      [...tables, ...views].map((each) => each.name),
    );
    const columns: Column[] = [];
    for (let count = 1 + random.below(5); count > 0; count--) {
      const taken = columns.map((each) => each.name);
      columns.push({ name: this.#newName(COLUMNS, taken), kind: count === 1 ? INTEGER : random.one(KINDS) });
    }
    const defined = columns.map((each) => {
      const value = random.chance(25) && each.kind.isOrdered ? this.#default(each.kind) : undefined;
      return `${quote(each.name)} ${each.kind.sql}${value === undefined ? "" : ` DEFAULT ${value}`}`;
    });
    const text = `CREATE TABLE ${this.#name(name)} (${defined.join(", ")})`;
    const after = { views, tables: [...tables, { name, columns }] };
    return this.#drawn(text, after, text + this.#layout(columns));
  }

  insert(): Drawn {
    const { random } = this;
    const table = this.#table();
    const columns = random.chance(50) ? table.columns : random.some(table.columns);
    const names =
      random.chance(60) || columns !== table.columns
        ? ` (${columns.map((each) => this.#column(each)).join(", ")})`
        : "";
    if (random.chance(60)) {
      const value = ({ kind }: Column) => (random.chance(6) ? "DEFAULT" : this.#literal(kind));
      const rows = random.many(6, () => `(${columns.map(value).join(", ")})`);
      return this.#drawn(`INSERT INTO ${this.#name(table.name)}${names} VALUES ${rows.join(", ")}`);
    }
    const from = this.#relation();
    const { text, by } = this.#source(from);
    const values = columns.map((each) => this.#expression(each, from.columns, by));
    const rest = ` FROM ${text} WHERE ${this.#condition(from.columns, by)}`;
    if (random.chance(30)) {
      const named = columns.map((each, i) => `${values[i]} AS ${this.#column(each)}`);
      return this.#drawn(`INSERT INTO ${this.#name(table.name)} BY NAME SELECT ${named.join(", ")}${rest}`);
    }
    const list =
      columns === table.columns ? names : ` (${columns.map((each) => this.#column(each)).join(", ")})`;
    return this.#drawn(`INSERT INTO ${this.#name(table.name)}${list} SELECT ${values.join(", ")}${rest}`);
  }

  update(): Drawn {
    const { random } = this;
    const table = this.#table();
    const { text, by } = this.#source(table);
    const set = random
      .some(table.columns)
      .slice(0, 3)
      .map((each) => {
        const value = random.chance(8) ? "DEFAULT" : this.#expression(each, table.columns, by);
        return `${this.#column(each)} = ${value}`;
      });
    const where = random.chance(85) ? ` WHERE ${this.#condition(table.columns, by)}` : "";
    return this.#drawn(`UPDATE ${text} SET ${set.join(", ")}${where}`);
  }

  delete(): Drawn {
    const table = this.#table();
    if (this.random.chance(4)) return this.#drawn(`TRUNCATE ${this.#name(table.name)}`);
    const { text, by } = this.#source(table);
    const other = this.#relation();
    const pair = this.#pair(table, other);
    if (pair !== undefined && this.random.chance(25)) {
      const [key, theirs] = pair;
      const inner = this.#source(other);
      const equal = `${this.#column(theirs, `i${inner.by}`)} = ${this.#column(key, by)}`;
      const some = `SELECT 1 FROM ${this.#name(other.name)} AS ${quote(`i${inner.by}`)} WHERE ${equal}`;
      return this.#drawn(`DELETE FROM ${text} WHERE ${this.random.one(["", "NOT "])}EXISTS (${some})`);
    }
    return this.#drawn(`DELETE FROM ${text} WHERE ${this.#condition(table.columns, by)}`);
  }

  /** A column of each that have the same type. */
  #pair(one: Relation, other: Relation): readonly [Column, Column] | undefined {
    const pairs = one.columns.flatMap((mine) =>
      other.columns
        .filter(({ kind }) => kind === mine.kind && kind.isOrdered)
        .map((theirs): readonly [Column, Column] => [mine, theirs]),
    );
    return pairs.length === 0 ? undefined : this.random.one(pairs);
  }

  /** By a key that a source has once. */
  merge(): Drawn {
    const { random } = this;
    const table = this.#table();
    const other = this.#relation();
    const pair = this.#pair(table, other);
    if (pair === undefined) return this.update();
    const [key, theirs] = pair;
    const { text, by } = this.#source(table);
    const rank = `any_value(${quote(theirs.name)})`;
    const source = `(SELECT ${quote(theirs.name)} AS k, count(*) AS n, ${rank} AS v FROM ${this.#name(other.name)} GROUP BY ALL) AS "the source"`;
    const mine = (column: Column) => this.#expression(column, table.columns, by);
    const set = (column: Column) =>
      `${this.#column(column)} = ${column === key ? '"the source".k' : mine(column)}`;
    const values = table.columns.map((each) =>
      each.kind === key.kind ? '"the source".v' : this.#literal(each.kind),
    );
    const names = table.columns.map((each) => this.#column(each)).join(", ");
    const clauses = random.some([
      () => `WHEN MATCHED AND ${this.#condition(table.columns, by)} THEN DELETE`,
      () => `WHEN MATCHED AND "the source".n > 1 THEN DO NOTHING`,
      () => `WHEN MATCHED THEN UPDATE SET ${random.some(table.columns).map(set).join(", ")}`,
      () =>
        `WHEN NOT MATCHED AND "the source".n > 1 THEN INSERT (${this.#column(key)}) VALUES ("the source".k)`,
      () => `WHEN NOT MATCHED THEN INSERT (${names}) VALUES (${values.join(", ")})`,
      () => `WHEN NOT MATCHED BY SOURCE AND ${this.#condition(table.columns, by)} THEN DELETE`,
      () =>
        `WHEN NOT MATCHED BY SOURCE THEN UPDATE SET ${random
          .some(table.columns)
          .slice(0, 2)
          .map((each) => `${this.#column(each)} = ${mine(each)}`)
          .join(", ")}`,
    ]);
    const on = `${this.#column(key, by)} = "the source".k`;
    return this.#drawn(
      `MERGE INTO ${text} USING ${source} ON ${on} ${clauses.map((clause) => clause()).join(" ")}`,
    );
  }

  alter(): Drawn {
    const { random } = this;
    const table = this.#table();
    const { columns } = table;
    const column = random.one(columns);
    const name = this.#newName(
      COLUMNS,
      columns.map((each) => each.name),
    );
    const alter = `ALTER TABLE ${this.#name(table.name)}`;
    const wider = KINDS.find(({ sql }) => sql === WIDER[column.kind.sql]);
    const replace = (changed: Column) =>
      this.#with(table, { columns: columns.map((each) => (each === column ? changed : each)) });
    const choices = [
      () => {
        const added = { name, kind: random.one(KINDS) };
        return this.#drawn(
          `${alter} ADD COLUMN ${quote(name)} ${added.kind.sql}`,
          this.#with(table, { columns: [...columns, added] }),
        );
      },
      () =>
        this.#drawn(
          `${alter} RENAME COLUMN ${this.#column(column)} TO ${quote(name)}`,
          replace({ ...column, name }),
        ),
      () => this.#drawn(`${alter} ALTER ${this.#column(column)} DROP DEFAULT`),
    ];
    if (column.kind.isOrdered)
      choices.push(() =>
        this.#drawn(`${alter} ALTER ${this.#column(column)} SET DEFAULT ${this.#default(column.kind)}`),
      );
    if (columns.length > 1)
      choices.push(() =>
        this.#drawn(
          `${alter} DROP COLUMN ${this.#column(column)}`,
          this.#with(table, { columns: columns.filter((each) => each !== column) }),
        ),
      );
    if (wider !== undefined)
      choices.push(() =>
        this.#drawn(
          `${alter} ALTER ${this.#column(column)} TYPE ${wider.sql}`,
          replace({ ...column, kind: wider }),
        ),
      );
    return random.one(choices)();
  }

  /** Makes a table of a query's rows, at times in place of the one that it reads. */
  createTableAs(): Drawn {
    const { random } = this;
    const { tables, views } = this.#world;
    const from = this.#relation();
    const { text, by } = this.#source(from);
    const replaced = random.chance(60) ? random.one(tables).name : undefined;
    const name =
      replaced ??
      this.#newName(
        RELATIONS,
        [...tables, ...views].map((each) => each.name),
      );
    const columns = random.some(from.columns);
    const items = columns.map((each) => `${this.#column(each, by)} AS ${quote(each.name)}`);
    const as = `TABLE ${this.#name(name)} AS SELECT ${items.join(", ")} FROM ${text} WHERE ${this.#condition(from.columns, by)}`;
    const others = tables.filter((each) => each.name !== name);
    const create = replaced === undefined ? "CREATE" : "CREATE OR REPLACE";
    return this.#drawn(`${create} ${as}`, { views, tables: [...others, { name, columns }] });
  }

  rename(): Drawn {
    const { tables, views } = this.#world;
    const table = this.#table();
    const name = this.#newName(
      RELATIONS,
      [...tables, ...views].map((each) => each.name),
    );
    return this.#drawn(
      `ALTER TABLE ${this.#name(table.name)} RENAME TO ${quote(name)}`,
      this.#with(table, { name }),
    );
  }

  drop(): Drawn {
    const { tables, views } = this.#world;
    const view = views.at(-1);
    if (view !== undefined && this.random.chance(70))
      return this.#drawn(`DROP VIEW ${this.#name(view.name)}`, { tables, views: views.slice(0, -1) });
    if (tables.length < 3) return this.createTable();
    const table = this.#table();
    return this.#drawn(`DROP TABLE ${this.#name(table.name)}`, {
      views,
      tables: tables.filter((each) => each !== table),
    });
  }

  /** What only the lakehouse knows: the layout of files to come. */
  layout(): Drawn {
    const table = this.#table();
    const able = table.columns.filter(({ kind }) => kind.transforms.length > 0);
    const terms =
      able.length === 0
        ? []
        : this.random
            .some(able)
            .slice(0, 2)
            .map((each) => this.#within(this.random.one(each.kind.transforms), quote(each.name)));
    const by =
      terms.length === 0
        ? "SET ('write.delete.mode' = 'merge-on-read')"
        : `SET PARTITIONED BY (${terms.join(", ")})`;
    return this.#drawn("SELECT 1", undefined, `ALTER TABLE ${this.#name(table.name)} ${by}`);
  }

  createView(): Drawn {
    const { random } = this;
    const { tables, views } = this.#world;
    const from = this.#relation();
    const name = this.#newName(
      RELATIONS,
      [...tables, ...views].map((each) => each.name),
    );
    const { text, by } = this.#source(from);
    const shown = random.some(from.columns);
    const where = random.chance(70) ? ` WHERE ${this.#condition(from.columns, by)}` : "";
    const renamed: Column[] = [];
    for (const { kind, name: old } of shown) {
      const taken = [...renamed, ...from.columns].map((each) => each.name);
      renamed.push({
        kind,
        name:
          random.chance(50) && !renamed.some((each) => lower(each.name) === lower(old))
            ? old
            : this.#newName(COLUMNS, taken),
      });
    }
    const list = random.chance(50);
    const items = shown.map(
      (each, i) => `${this.#column(each, by)}${list ? "" : ` AS ${quote((renamed[i] as Column).name)}`}`,
    );
    const names = list ? ` (${renamed.map((each) => quote(each.name)).join(", ")})` : "";
    const distinct = random.chance(20) && shown.every(({ kind }) => kind.isOrdered) ? "DISTINCT " : "";
    const again = random.chance(20)
      ? ` UNION ALL SELECT ${shown.map((each) => quote(each.name)).join(", ")} FROM ${this.#name(from.name)}`
      : "";
    const view = { name, columns: renamed, reads: [from.name] };
    return this.#drawn(
      `CREATE VIEW ${this.#name(name)}${names} AS SELECT ${distinct}${items.join(", ")} FROM ${text}${where}${again}`,
      { tables, views: [...views, view] },
    );
  }

  /** Rows of a relation: all of them, some, or what is reckoned of them. */
  query(relation: Relation = this.#relation()): Drawn {
    const { random } = this;
    const { columns, name } = relation;
    const { text, by } = this.#source(relation);
    const where = () => ` WHERE ${this.#condition(columns, by)}`;
    const ordered = columns.filter(({ kind }) => kind.isOrdered);
    const some = () =>
      random
        .some(columns)
        .map((each) => this.#column(each, by))
        .join(", ");
    const other = this.#relation();
    const pair = this.#pair(relation, other);
    const choices = [
      () => `SELECT * FROM ${this.#name(name)}`,
      () => `SELECT * FROM ${text}${where()}`,
      () => `SELECT ${some()} FROM ${text}${where()}`,
      () => `SELECT count(*) FROM ${text}${where()}`,
      () => `SELECT count(*) FILTER (WHERE ${this.#condition(columns, by)}) AS "f", count(*) FROM ${text}`,
      () => `SELECT "l".* FROM ${text}, LATERAL (SELECT ${some()}) AS "l"${where()}`,
      () => `SELECT * FROM (SELECT * FROM ${text}${where()}) AS ${quote(by)}${where()}`,
      () =>
        `WITH "w" AS (SELECT * FROM ${text}${where()}) SELECT count(*), count(${this.#column(random.one(columns))}) FROM "w"`,
    ];
    if (ordered.length > 0) {
      const c = () => this.#column(random.one(ordered), by);
      choices.push(
        () => `SELECT count(*), count(${c()}), min(${c()}), max(${c()}) FROM ${text}`,
        () => `SELECT min(${c()}), max(${c()}) FROM ${text}${where()}`,
        () => `SELECT ${c()} AS "g", count(*) FROM ${text}${where()} GROUP BY 1`,
        () => `SELECT DISTINCT ${c()} AS "g" FROM ${text}${where()}`,
        () =>
          `SELECT count(*) OVER (PARTITION BY ${c()}), rank() OVER (ORDER BY ${c()}) FROM ${text}${where()}`,
        () => `SELECT * FROM ${text}${where()} QUALIFY rank() OVER (ORDER BY ${c()}) <= 2`,
        () => {
          const key = c();
          return `SELECT ${key} AS "o" FROM ${text}${where()} ORDER BY ${key} ${random.one(["ASC", "DESC"])} NULLS ${random.one(["FIRST", "LAST"])} LIMIT 2 OFFSET ${random.below(2)}`;
        },
        () => {
          const key = c();
          const set = random.one(["UNION", "UNION ALL", "EXCEPT", "EXCEPT ALL", "INTERSECT"]);
          return `SELECT * FROM (SELECT ${key} AS "o" FROM ${text}${where()}) ${set} (SELECT ${key} FROM ${text}${where()})`;
        },
        () => {
          const key = c();
          return `SELECT * FROM ${text} WHERE ${key} = (SELECT ${random.one(["min", "max"])}(${key}) FROM ${text}${where()})`;
        },
      );
    }
    if (pair !== undefined) {
      const [mine, theirs] = pair;
      const kind = random.one(["JOIN", "LEFT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN"]);
      const on = `${this.#column(mine, by)} = "the other".${quote(theirs.name)}`;
      choices.push(
        () =>
          `SELECT ${by === "" ? "*" : `${quote(by)}.*`} FROM ${text} ${kind} ${this.#name(other.name)} AS "the other" ON ${on}${random.chance(50) ? where() : ""}`,
        () =>
          `SELECT * FROM ${text} WHERE ${this.#column(mine, by)} ${random.one(["", "NOT "])}IN (SELECT ${quote(theirs.name)} FROM ${this.#name(other.name)})`,
      );
    }
    return this.#drawn(random.one(choices)());
  }
}

import type { Random } from "../random-tables/random.js";
import { AT, type Column, type Drawn, literalAt, quote, type Relation, type World } from "./drawn.js";
import { anyLiteral, type Kind, type Literal } from "./kinds.js";

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

const ALIASES = ["x", "u p", "on", "q", "ß1", "Ta"];

export const lower = (name: string) => name.toLowerCase();

/** Draws what a statement is made of, out of what there is: names, literals, conditions, expressions. */
export class Draw {
  readonly random: Random;
  readonly namespace: string;
  readonly world: World;
  readonly #literals: Literal[] = [];

  constructor(random: Random, namespace: string, world: World) {
    this.random = random;
    this.namespace = namespace;
    this.world = world;
  }

  drawn(text: string, after?: World, ours?: string): Drawn {
    return { text, literals: this.#literals, ...(after && { after }), ...(ours !== undefined && { ours }) };
  }

  name(name: string): string {
    return `${this.namespace}.${quote(name)}${AT}`;
  }

  literal(kind: Kind): string {
    const literal = anyLiteral(this.random, kind);
    return literalAt(this.#literals.push(literal) - 1);
  }

  /** A default is in the metadata, which is JSON and has finite numbers alone. */
  defaultOf({ values }: Kind): string {
    return this.random.one(values.filter(({ text }) => !/^'(nan|-?inf)'$/.test(text))).text;
  }

  /** A column, at times in another case. */
  column({ name }: Column, of?: string): string {
    const spelling = this.random.chance(20) && /^[a-z]+$/i.test(name) ? name.toUpperCase() : name;
    return of === undefined ? quote(spelling) : `${quote(of)}.${quote(spelling)}`;
  }

  /** A name that no table and no view has. */
  newRelation(): string {
    const { tables, views } = this.world;
    return this.#newName(RELATIONS, [...tables, ...views]);
  }

  /** A name that none of these columns has. */
  newColumn(taken: readonly Column[]): string {
    return this.#newName(COLUMNS, taken);
  }

  #newName(of: readonly string[], taken: readonly { readonly name: string }[]): string {
    const known = new Set(taken.map(({ name }) => lower(name)));
    return this.random.one(of.filter((name) => !known.has(lower(name))));
  }

  condition(columns: readonly Column[], of?: string, depth = 0): string {
    const { random } = this;
    if (depth < 2 && random.chance(35)) {
      const one = this.condition(columns, of, depth + 1);
      if (random.chance(30)) return `NOT (${one})`;
      return `(${one} ${random.one(["AND", "OR"])} ${this.condition(columns, of, depth + 1)})`;
    }
    const column = random.one(columns);
    const { kind } = column;
    const c = this.column(column, of);
    const value = () => this.literal(kind);
    if (kind.conditions.length > 0 && random.chance(35)) return within(random.one(kind.conditions), c);
    if (random.chance(12)) return `${c} IS ${random.one(["", "NOT "])}NULL`;
    const same = columns.filter((each) => each.kind === kind);
    if (!kind.isOrdered) return `${c} IS ${random.one(["", "NOT "])}DISTINCT FROM ${value()}`;
    return random.one([
      () =>
        `${c} ${random.one(["=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"])} ${value()}`,
      () => `${value()} ${random.one(["=", "<", ">="])} ${c}`,
      () => `${c} ${random.one(["", "NOT "])}IN (${random.many(3, value).join(", ")})`,
      () => `${c} ${random.one(["", "NOT "])}BETWEEN ${value()} AND ${value()}`,
      () => `${c} ${random.one(["=", "<", "IS DISTINCT FROM"])} ${this.column(random.one(same), of)}`,
      () => `coalesce(${c}, ${value()}) = ${value()}`,
      () => `CASE WHEN ${c} IS NULL THEN ${random.one(["true", "NULL"])} ELSE ${c} >= ${value()} END`,
    ])();
  }

  /** A value of a column's type, out of a row. */
  expression({ kind }: Column, columns: readonly Column[], of?: string): string {
    const { random } = this;
    const same = columns.filter((each) => each.kind === kind);
    const choices = [() => this.literal(kind)];
    if (same.length > 0) {
      const c = () => this.column(random.one(same), of);
      choices.push(c, () => `coalesce(${c()}, ${this.literal(kind)})`);
      choices.push(
        () => `CASE WHEN ${this.condition(columns, of)} THEN ${c()} ELSE ${this.literal(kind)} END`,
      );
      if (kind.expressions.length > 0)
        choices.push(
          () => within(random.one(kind.expressions), c()),
          () => within(random.one(kind.expressions), c()),
        );
    }
    return random.one(choices)();
  }

  table(): Relation {
    return this.random.one(this.world.tables);
  }

  relation(): Relation {
    return this.random.one([...this.world.tables, ...this.world.tables, ...this.world.views]);
  }

  /** `relation AS alias`, and by what its columns are named. */
  source(relation: Relation): { readonly text: string; readonly by: string } {
    const by = this.#newName(ALIASES, relation.columns);
    return { text: `${this.name(relation.name)} AS ${quote(by)}`, by };
  }

  /** What there is when a table is changed. */
  with(table: Relation, changed: Partial<Relation>): World {
    const { tables, views } = this.world;
    return {
      views,
      tables: tables.map((each) => (each.name === table.name ? { ...each, ...changed } : each)),
    };
  }

  /** A column of each that have the same type. */
  pair(one: Relation, other: Relation): readonly [Column, Column] | undefined {
    const pairs = one.columns.flatMap((mine) =>
      other.columns
        .filter(({ kind }) => kind === mine.kind && kind.isOrdered)
        .map((theirs): readonly [Column, Column] => [mine, theirs]),
    );
    return pairs.length === 0 ? undefined : this.random.one(pairs);
  }
}

/** A text with a column where it has `c`. */
export function within(text: string, column: string): string {
  return text.replaceAll(/\bc\b/g, () => column);
}

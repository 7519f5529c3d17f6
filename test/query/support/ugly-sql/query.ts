import type { Draw } from "./draw.js";
import { type Drawn, quote, type Relation } from "./drawn.js";

/** Rows of a relation: all of them, some, or what is reckoned of them. */
export function query(draw: Draw, relation: Relation): Drawn {
  const { random } = draw;
  const { columns, name } = relation;
  const { text, by } = draw.source(relation);
  const where = () => ` WHERE ${draw.condition(columns, by)}`;
  const ordered = columns.filter(({ kind }) => kind.isOrdered);
  const some = () =>
    random
      .some(columns)
      .map((each) => draw.column(each, by))
      .join(", ");
  const other = draw.relation();
  const pair = draw.pair(relation, other);
  const choices = [
    () => `SELECT * FROM ${draw.name(name)}`,
    () => `SELECT * FROM ${text}${where()}`,
    () => `SELECT ${some()} FROM ${text}${where()}`,
    () => `SELECT count(*) FROM ${text}${where()}`,
    () => `SELECT count(*) FILTER (WHERE ${draw.condition(columns, by)}) AS "f", count(*) FROM ${text}`,
    () => `SELECT "l".* FROM ${text}, LATERAL (SELECT ${some()}) AS "l"${where()}`,
    () => `SELECT * FROM (SELECT * FROM ${text}${where()}) AS ${quote(by)}${where()}`,
    () =>
      `WITH "w" AS (SELECT * FROM ${text}${where()}) SELECT count(*), count(${draw.column(random.one(columns))}) FROM "w"`,
  ];
  if (ordered.length > 0) {
    const c = () => draw.column(random.one(ordered), by);
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
    const on = `${draw.column(mine, by)} = "the other".${quote(theirs.name)}`;
    choices.push(
      () =>
        `SELECT ${quote(by)}.* FROM ${text} ${kind} ${draw.name(other.name)} AS "the other" ON ${on}${random.chance(50) ? where() : ""}`,
      () =>
        `SELECT * FROM ${text} WHERE ${draw.column(mine, by)} ${random.one(["", "NOT "])}IN (SELECT ${quote(theirs.name)} FROM ${draw.name(other.name)})`,
    );
  }
  return draw.drawn(random.one(choices)());
}

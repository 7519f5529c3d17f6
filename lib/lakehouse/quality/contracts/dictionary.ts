import { type NestedField, typeToString } from "../../iceberg/index.js";
import type { Check } from "../checks/types.js";
import type { Contract } from "./contract.js";

/** A contract, of whatever rows. */
export type DictionaryTable = Pick<
  Contract,
  "name" | "keys" | "owner" | "description" | "freshness" | "checks"
> & {
  readonly schema: { readonly fields: readonly NestedField[] };
};

/**
 * A page of the data dictionary, in Markdown: what each table is, whom to ask, its columns, and what is checked.
 *
 * @example
 * await writeFile("dictionary.md", dictionary([silver, gold]));
 */
export function dictionary(contracts: readonly DictionaryTable[]): string {
  return `${contracts.map(table).join("\n\n")}\n`;
}

function table(contract: DictionaryTable): string {
  const { name, schema, keys, owner, description, freshness, checks } = contract;
  const facts = [
    `Owner: ${cell(owner)}`,
    ...(keys.length === 0 ? [] : [`Key: ${keys.map(code).join(", ")}`]),
    ...(freshness === undefined ? [] : [`Fresh: ${code(freshness.column)} within ${freshness.within}`]),
  ];
  const columns = schema.fields.flatMap((field) => rowsOf(field, ""));
  const checked = checks.map(
    (check) => `| ${cell(check.name)} | ${check.severity} | ${cell(check.description ?? aboutOf(check))} |`,
  );
  return [
    `## ${name}`,
    ...(description === undefined ? [] : [description]),
    facts.map((fact) => `- ${fact}`).join("\n"),
    ["| Column | Type | Null | What it is |", "|---|---|---|---|", ...columns].join("\n"),
    ...(checked.length === 0
      ? []
      : [["| Check | Severity | What it holds |", "|---|---|---|", ...checked].join("\n")]),
  ].join("\n\n");
}

function rowsOf({ name, type, required, doc }: NestedField, prefix: string): string[] {
  const full = `${prefix}${name}`;
  const said = type.type === "struct" ? "struct" : typeToString(type);
  const own = `| ${code(full)} | ${cell(said)} | ${required ? "no" : "yes"} | ${cell(doc ?? "")} |`;
  return [own, ...(type.type === "struct" ? type.fields.flatMap((field) => rowsOf(field, `${full}.`)) : [])];
}

/** Of checks whose name says it all, the kind. */
function aboutOf(check: Check): string {
  const where = check.where === undefined ? "" : ` where ${check.where}`;
  switch (check.kind) {
    case "unique":
      return `no two rows have the same ${check.columns.join(", ")}${where}`;
    case "acceptedValues":
      return `one of ${check.values.join(", ")}${where}`;
    case "references":
      return `${check.columns.join(", ")} is in ${check.table} (${check.to.join(", ")})${where}`;
    case "rowCount":
      return [
        check.min === undefined ? [] : [`at least ${check.min} rows`],
        check.max === undefined ? [] : [`at most ${check.max} rows`],
        check.change === undefined ? [] : ["about as many as before"],
      ]
        .flat()
        .join(", ");
    default:
      return `${check.name}${where}`;
  }
}

function code(text: string): string {
  return `\`${text.replace(/[`|\n]/g, " ")}\``;
}

/** Text in a table of Markdown: a bar or a line's end would end its cell. */
function cell(text: string): string {
  return text
    .replace(/\|/g, "\\|")
    .replace(/</g, "&lt;")
    .replace(/\s*\n\s*/g, " ");
}

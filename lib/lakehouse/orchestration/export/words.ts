import type { PipelineDefinition } from "../model/definition.js";

/** A text as one word of a POSIX shell. */
export const shellWord = (text: string): string =>
  /^[\w./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/** Texts, numbers, lists and records as Python writes them: as JSON does, for these. */
export const python = (value: string | number | readonly unknown[] | object): string =>
  JSON.stringify(value, null, 1).replace(/\n */g, " ");

/**
 * Names for the steps of a pipeline, of letters, digits and `_` alone, one for each.
 *
 * @param taken names that none may have.
 */
export function namesOf(
  { nodes }: PipelineDefinition,
  ...taken: readonly string[]
): ReadonlyMap<string, string> {
  const given = new Set(taken);
  const names = new Map<string, string>();
  for (const { step } of nodes) {
    const plain =
      step.name
        .replace(/[^A-Za-z0-9]+/g, "_")
        .replace(/^_|_$/g, "")
        .slice(0, 100) || "step";
    let name = plain;
    for (let more = 2; given.has(name); more++) name = `${plain}_${more}`;
    given.add(name);
    names.set(step.name, name);
  }
  return names;
}

/** A list with a line for each. */
export const pythonList = (name: string, rows: readonly object[]): string =>
  rows.length === 0
    ? `${name} = []`
    : `${name} = [\n${rows.map((each) => `    ${python(each)},`).join("\n")}\n]`;

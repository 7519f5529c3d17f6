import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { buildStreamctl } from "../../lib/lakehouse/streamctl.js";
import { streamctlInProcess } from "./in-process.js";

interface Named {
  readonly words: readonly string[];
  readonly command: Command;
}

function commandsOf(command: Command, above: readonly string[] = []): Named[] {
  const own = { words: above, command };
  return [own, ...command.commands.flatMap((child) => commandsOf(child, [...above, child.name()]))];
}

const all = commandsOf(await buildStreamctl()).filter(({ words }) => words.at(-1) !== "candidates");
const groups = all.filter(({ command }) => command.commands.length > 0);
const leaves = all.filter(({ command }) => command.commands.length === 0);

describe("the help of", () => {
  test.each(all.slice(1))(
    "streamctl $words says what it is for, shows examples, and names exit codes",
    async ({ words, command }) => {
      expect(command.summary(), "in the list of commands").toMatch(/^[a-z].*[^.]$/);
      expect(command.description()).toMatch(/^[A-Z].*\.$/s);
      const { code, out, err } = await streamctlInProcess([...words, "--help"]);
      expect({ code, err }).toEqual({ code: 0, err: "" });
      const [, examples = ""] = out.split("\nExamples:\n  $ ");
      expect(examples).toContain(`streamctl ${words.join(" ")}`);
      expect(out.match(/^Exit codes: 0 done, 1 .*$/gm)).toHaveLength(1);
    },
  );

  test("all of them is more than a handful", () => {
    expect(leaves.length).toBeGreaterThanOrEqual(11);
  });
});

test("every command prints JSON where it is asked to", () => {
  // What a shell evaluates is no result.
  const results = leaves.filter(({ words }) => words[0] !== "completion");
  const without = results.filter(({ command }) => !command.options.some(({ long }) => long === "--json"));
  expect(without.map(({ words }) => words.join(" "))).toEqual([]);
});

test.each(groups)(
  "a command that there is not below streamctl $words gets the name that is near",
  async ({ words, command }) => {
    const name = command.commands[0]?.name() ?? "";
    const { code, out, err } = await streamctlInProcess([...words, `${name}${name.slice(-1)}`]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(`(Did you mean ${name}?)`);
  },
);

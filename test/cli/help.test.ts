import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import * as kit from "../../lib/kit/cli/commands.js";
import { isNative, SERVICES, type Service } from "../../lib/kit/stack/index.js";
import { buildProgram } from "../../lib/lakehouse/cli.js";
import { slhInProcess } from "./in-process.js";

interface Named {
  readonly words: readonly string[];
  readonly command: Command;
}

function commandsOf(command: Command, above: readonly string[] = []): Named[] {
  const own = { words: above, command };
  return [own, ...command.commands.flatMap((child) => commandsOf(child, [...above, child.name()]))];
}

/** Of those that people call. */
const all = commandsOf(await buildProgram(kit)).filter(({ words }) => words.at(-1) !== "candidates");
const groups = all.filter(({ command }) => command.commands.length > 0);

describe("the help of", () => {
  test.each(all.slice(1))(
    "slh $words says what it is for, shows examples, and names exit codes",
    async ({ words, command }) => {
      expect(command.summary(), "in the list of commands").toMatch(/^[a-z].*[^.]$/);
      expect(command.description()).toMatch(/^[A-Z].*\.$/s);
      for (const argument of command.registeredArguments) expect(argument.description).toMatch(/./);
      const { code, out, err } = await slhInProcess([...words, "--help"]);
      expect({ code, err }).toEqual({ code: 0, err: "" });
      const [, examples = ""] = out.split("\nExamples:\n  $ ");
      expect(examples).toContain(`slh ${words.join(" ")}`);
      expect(out.match(/^Exit codes: 0 done, 1 .*$/gm)).toHaveLength(1);
    },
  );

  const services = Object.values<Service>(SERVICES).filter(isNative);
  test.each([
    ["logs", services],
    ["open", services.filter(({ page }) => page !== undefined)],
  ] as const)("slh stack %s names the services that it takes", (name, takes) => {
    const found = all.find(({ words }) => words.join(" ") === `stack ${name}`);
    const named = found?.command.registeredArguments[0]?.description.split(/, | or /);
    expect(named).toEqual(takes.map((service) => service.name));
  });

  test("all of them is more than a handful", () => {
    expect(all.length).toBeGreaterThan(35);
    expect(groups.map(({ words }) => words.join(" "))).toContain("notebook");
  });
});

describe("a command that there is not", () => {
  test.each(groups)("below slh $words gets the name that is near", async ({ words, command }) => {
    const [first] = command.commands;
    const name = first?.name() ?? "";
    const typo = `${name.slice(0, -1)}${name.slice(-1)}${name.slice(-1)}`;
    const { code, out, err } = await slhInProcess([...words, typo]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(`unknown command '${typo}'`);
    expect(err).toContain(`(Did you mean ${name}?)`);
  });
});

/** What pages say on the command line is there: each command, and each of its options. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { expect, test } from "vitest";
import * as kit from "../../lib/kit/cli/commands.js";
import { buildProgram } from "../../lib/lakehouse/cli.js";
import { buildStreamctl } from "../../lib/lakehouse/streamctl.js";

const root = join(import.meta.dirname, "../..");
const programs = [await buildProgram(kit), await buildStreamctl()];
const markdown = (folder: string) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name));
const PAGES = ["docs", "docs/decisions", ".", "lib/lakehouse", "lib/kit", "lib/kit/content"].flatMap(
  markdown,
);

/** The command lines of a page: in its code, from a program's name to the end of the line, a bracket, a pipe or a comment. */
function commandLines(text: string): string[] {
  const blocks: string[] = [];
  const prose = text.replace(/^ *```(\w*)\n(.*?)^ *```$/gms, (_, language: string, block: string) => {
    if (language === "sh") blocks.push(...block.split("\n").map((line) => line.replace(/ # .*/, "")));
    return "";
  });
  const spans = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span);
  return [...blocks, ...spans].flatMap(
    (each) => each.match(/(?<![\w./@-])(?:slh|streamctl) [^|<>&;)]+/g) ?? [],
  );
}

/** What of a command line there is not. */
function missing(line: string): string | undefined {
  const [program, ...words] = line.trim().split(/\s+/);
  let command = programs.find((each) => each.name() === program) as Command;
  for (const word of words) {
    const found = command.commands.find((each) => each.name() === word);
    if (found !== undefined) command = found;
    else if (word.startsWith("--") && !knows(command, word.replace(/=.*/, ""))) return word;
    else if (command.commands.length > 0 && !word.startsWith("-") && word !== "help") return word;
  }
  return undefined;
}

function knows(command: Command | null, option: string): boolean {
  if (command === null) return false;
  return (
    ["--help", "--version"].includes(option) ||
    command.options.some(({ long }) => long === option) ||
    knows(command.parent, option)
  );
}

test.each(PAGES)("the commands that %s names are there, with their options", (page) => {
  const lines = commandLines(readFileSync(join(root, page), "utf8"));
  expect(lines.flatMap((line) => (missing(line) === undefined ? [] : [`${line}: ${missing(line)}`]))).toEqual(
    [],
  );
});

test("that is found out of some lines", () => {
  expect(
    commandLines("`slh sql --json`, or\n```sh\nnpx slh check a | less # slh x\n```\n").map(missing),
  ).toEqual([undefined, undefined]);
  expect(["slh helth", "slh gc --all", "streamctl user add"].map(missing)).toEqual(["helth", "--all", "add"]);
});

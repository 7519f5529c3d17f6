import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { SERVICES } from "../lib/kit/stack/index.js";
import { enginesPage, keyOf, matrix, namedTests, versions } from "../scripts/engines-page.mjs";

const root = join(import.meta.dirname, "..");
const places = matrix();

test("docs/engines.md is what docs/engines.yaml says, of the versions that are installed", () => {
  const page = readFileSync(join(root, "docs/engines.md"), "utf8");
  const counts = [...page.matchAll(/^\d+\. .*, (\d+) passed\)$/gm)].map(([, count]) => Number(count));
  const passed = new Map(namedTests(places).map((each, index) => [keyOf(each), counts[index] ?? 0]));
  // Run npm run engines, after the tests of what has changed.
  expect(page).toBe(enginesPage(places, versions(SERVICES), passed));
  expect(Math.min(...passed.values())).toBeGreaterThan(0);
});

/** A title as it is written: text, and `null` for each part that is filled in. */
type Title = readonly (string | null)[];

/** What a file, and the suites for several catalogs that it runs, call their groups and tests. */
function titlesIn(file: string): Title[] {
  const titles: Title[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      const { text } = node.moduleSpecifier;
      if (text.endsWith("-conformance.js"))
        titles.push(...titlesIn(join(dirname(file), text.replace(/js$/, "ts"))));
    }
    const name =
      ts.isCallExpression(node) && /^(describe|test)\b/.test(node.expression.getText()) && node.arguments[0];
    if (name && ts.isStringLiteralLike(name))
      titles.push(name.text.split(/(%[sdi]|\$\w+)/).map((part, i) => (i % 2 === 1 ? null : part)));
    if (name && ts.isTemplateExpression(name))
      titles.push([name.head.text, ...name.templateSpans.flatMap(({ literal }) => [null, literal.text])]);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(join(root, file), "utf8"), ts.ScriptTarget.Latest, true));
  return titles;
}

/**
 * What is left of a name behind a title, in each way that the title can be filled in; `""` where the name ends within it.
 * It may end in what is filled in if there is text before that: else any name would.
 */
function* behind(name: string, title: Title, isBehindText = false): Generator<string> {
  const [part, ...rest] = title;
  if (part === undefined) yield name;
  else if (part === null) {
    const most = isBehindText ? name.length : name.length - 1;
    for (let filled = 1; filled <= most; filled++) yield* behind(name.slice(filled), rest, isBehindText);
  } else if (part.startsWith(name)) yield "";
  else if (name.startsWith(part)) yield* behind(name.slice(part.length), rest, isBehindText || part !== "");
}

/** Whether titles, one behind the other, begin with it: a group, one in it, and a test. */
const isBegun = (name: string, titles: readonly Title[], depth = 3): boolean =>
  titles.some((title) =>
    [...behind(name, title)].some(
      (rest) =>
        rest === "" || (depth > 1 && rest.startsWith(" ") && isBegun(rest.slice(1), titles, depth - 1)),
    ),
  );

const named = namedTests(places);

test.each([...new Set(named.map(({ file }) => file))])(
  "%s has tests whose names begin as is said",
  (file) => {
    const titles = titlesIn(file);
    const names = named.filter((each) => each.file === file).map(({ name }) => name);
    expect(names.filter((name) => !isBegun(name, titles))).toEqual([]);
    expect(isBegun("a name that no test has", titles)).toBe(false);
  },
);

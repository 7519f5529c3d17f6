import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
/** Where a path in a text for contributors may begin. */
const BASES = ["", "lib", "lib/lakehouse", "lib/kit"].map((base) => join(root, base));
const decisions = readdirSync(join(root, "docs/decisions")).map((name) => `docs/decisions/${name}`);

test.each(["CONTRIBUTING.md", "README.md", "lib/lakehouse/CACHES.md", ...decisions])(
  "every path that %s names in the project is there",
  (text) => {
    const quoted = readFileSync(join(root, text), "utf8").matchAll(/`([\w.-]+)\/([\w./-]+)`/g);
    const missing = [...quoted].filter(([, first = "", rest = ""]) => {
      const bases = BASES.filter((base) => existsSync(join(base, first)));
      // mNN stands for any milestone; what begins with no folder of ours is no path, and what lies beside the
      // project or is made by a command need not be there.
      const meant = bases.length > 0 && !["..", "dist", ".lake"].includes(first) && !/^mNN/.test(rest);
      return meant && !bases.some((base) => existsSync(join(base, first, rest)));
    });
    expect(missing.map(([path]) => path)).toEqual([]);
  },
);

const pages = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));

test.each(pages)("every column of docs/%s has a heading, for those who hear the page", (name) => {
  const lines = readFileSync(join(root, "docs", name), "utf8").split("\n");
  const heads = lines.filter((_, i) => /^\|( *:?-+:? *\|)+$/.test(lines[i + 1] ?? ""));
  expect(heads.filter((head) => /\|\s*\|/.test(head))).toEqual([]);
});

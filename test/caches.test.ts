import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../lib/lakehouse");
/** A map that a module or an object keeps, and that begins empty: a table of constants does not. */
const KEPT =
  /^(?:export )?const \w+ = new (?:(?:Weak)?Map(?:<.*>)?\(\)|LRUCache\b)|^\s+(?:private |static )*(?:readonly )?#\w+(?:: [^=]+)? = new (?:(?:Weak)?Map(?:<.*>)?\(\)|LRUCache\b)/m;

test("every map that outlives a call is listed, with what its key is made of", () => {
  const listed = readFileSync(join(root, "CACHES.md"), "utf8");
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).map((file) =>
    file.replaceAll("\\", "/"),
  );
  const sources = files.filter((file) => file.endsWith(".ts") && !/^(?:dist|node_modules)\//.test(file));
  const keeping = sources.filter((file) => KEPT.test(readFileSync(join(root, file), "utf8")));
  expect(keeping.length).toBeGreaterThan(20);
  expect(keeping.filter((file) => !listed.includes(`\`${file}\``))).toEqual([]);
});

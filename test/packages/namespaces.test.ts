import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const NAMESPACE = /^import \* as \w+ from "([^."][^"]*)";/gm;

/** Prints those of its arguments that have nothing but a default. */
const BARE = `
const bare = [];
for (const name of process.argv.slice(1)) {
  const names = Object.keys(await import(name)).filter((each) => each !== "default" && each !== "module.exports");
  if (names.length === 0) bare.push(name);
}
console.log(JSON.stringify(bare));
`;

test("what is imported as a namespace has names in Node: of a CommonJS module it may see a default alone, where the tests' loader sees all", () => {
  const library = join(root, "lib/lakehouse");
  const files = readdirSync(library, { recursive: true, encoding: "utf8" }).filter(
    (file) => /\.ts$/.test(file) && !/^(?:dist|node_modules)[\\/]/.test(file),
  );
  const imported = new Set(
    files.flatMap((file) =>
      [...readFileSync(join(library, file), "utf8").matchAll(NAMESPACE)].map(([, name]) => name as string),
    ),
  );
  expect(imported).toContain("apache-arrow");
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "--eval", BARE, ...imported],
    { cwd: root, encoding: "utf8" },
  );
  expect(status, stderr).toBe(0);
  expect(JSON.parse(stdout)).toEqual([]);
});

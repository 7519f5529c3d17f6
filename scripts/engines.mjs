// npm run engines [-- report.json …]: docs/engines.md, which is committed, of docs/engines.yaml and of Vitest's reports in JSON:
// those of the last whole npm run test:interop and npm run test:stack -- --all, or the ones that are named. Where
// several have run a test, the last one counts. Each test that is named has to have passed; else this says which hasn't, and writes nothing.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { enginesPage, keyOf, matrix, namedTests, versions } from "./engines-page.mjs";
import { build, root } from "./setup.mjs";

const own = ["interop", "stack"].map((name) => join(root, ".cache", "test", `${name}.json`));
const named = process.argv.slice(2);
const reports = named.length > 0 ? named : own.filter((path) => existsSync(path));

/** What became of each test, by file and full name. The reports' clones may be elsewhere. */
const results = new Map();
for (const path of reports)
  for (const { name, assertionResults } of JSON.parse(readFileSync(path, "utf8")).testResults) {
    const file = name.slice(name.lastIndexOf("/test/") + 1);
    const of = results.get(file) ?? new Map();
    results.set(file, of);
    for (const { fullName, status } of assertionResults)
      if (!of.has(fullName) || !["skipped", "pending"].includes(status)) of.set(fullName, status);
  }

const places = matrix();
const passed = new Map();
const wrong = [];
for (const test of namedTests(places)) {
  const found = [...(results.get(test.file) ?? [])].filter(([fullName]) => fullName.startsWith(test.name));
  if (found.length === 0) wrong.push(`not in the reports: ${keyOf(test)}`);
  for (const [fullName, status] of found)
    if (status !== "passed") wrong.push(`${status}: ${test.file}: ${fullName}`);
  passed.set(keyOf(test), found.length);
}
if (wrong.length > 0) {
  console.error(
    `${wrong.join("\n")}\ndocs/engines.md stays as it is. Reports: ${reports.join(", ") || "none"}`,
  );
  process.exit(1);
}
await build();
const { SERVICES } = await import("../lib/kit/dist/stack.js");
writeFileSync(join(root, "docs", "engines.md"), enginesPage(places, versions(SERVICES), passed));
console.log(
  `docs/engines.md: ${passed.size} entries, ${[...passed.values()].reduce((a, b) => a + b, 0)} tests`,
);

// npm run test:soak [-- --factor 200 test/iceberg …]: tries the properties of the unit tests many times as often as
// npm test does. Only the test files that have properties take part. fast-check prints the seed and the path of a
// failure, with which it can be had again.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { node, root } from "./setup.mjs";

const { values, positionals } = parseArgs({
  options: { factor: { type: "string", default: "50" } },
  allowPositionals: true,
});

const hasProperties = (file) =>
  /from "(fast-check|[./]*support\/runs\.js)"/.test(readFileSync(join(root, file), "utf8"));
const files = readdirSync(join(root, "test"), { recursive: true })
  .map((file) => join("test", file))
  .filter(
    (file) =>
      file.endsWith(".test.ts") && !["interop", "site"].some((name) => file.startsWith(join("test", name))),
  )
  .filter((file) => positionals.length === 0 || positionals.some((part) => file.includes(part)))
  .filter(hasProperties);
if (files.length === 0) {
  console.error(`error  no test file matches ${positionals.join(" ")} and has properties to soak.`);
  process.exit(1);
}
const { code } = await node("node_modules/vitest/vitest.mjs", ["run", "--project", "unit", ...files], {
  stdio: "inherit",
  env: { SLH_SOAK: values.factor },
});
process.exit(code);

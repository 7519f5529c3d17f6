// npm run check [-- main] [--all]: what has changed since the last commit, or since this branch left `main`, is typed,
// linted and tested, as far as that takes some twenty seconds. It says what it leaves to npm test. --all runs every
// test that the changes have to do with.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { durations, rememberDurations } from "./counts.mjs";
import { relatedTests } from "./related.mjs";
import { build, node, root, seconds } from "./setup.mjs";

/** Seconds of tests that are run, each file by what it took last time. Two at a time, beside the types. */
const BUDGET = 16;
/** What a test file takes of which nothing is known, and what loading one takes at least. */
const UNKNOWN = 3;
const LOADING = 1;

const { values, positionals } = parseArgs({
  options: { all: { type: "boolean", default: false } },
  allowPositionals: true,
});
const began = performance.now();

function git(...args) {
  const { status, stdout, stderr } = spawnSync("git", args, { cwd: root, encoding: "utf8" });
  if (status === 0)
    return stdout
      .split("\0")
      .flatMap((line) => line.split("\n"))
      .filter((line) => line !== "");
  console.error(`error  git ${args.join(" ")}: ${stderr.trim()}`);
  process.exit(1);
}

const [branch = "HEAD"] = positionals;
const [since] = branch === "HEAD" ? ["HEAD"] : git("merge-base", branch, "HEAD");
const changed = [
  ...git("diff", "--name-only", "-z", "--no-renames", since),
  ...git("ls-files", "--others", "--exclude-standard", "-z"),
].sort();
if (changed.length === 0) {
  console.log(`Nothing has changed since ${branch}.`);
  process.exit(0);
}
const there = changed.filter((file) => existsSync(join(root, file)));
const typed = changed.filter((file) =>
  /^(lib|test|bench|pipelines)\/.*\.ts$|^[^/]*tsconfig[^/]*\.json$/.test(file),
);
const formed = there.filter((file) => /\.([cm]?[jt]s|jsonc?|css)$/.test(file) && !/lock\.json$/.test(file));
const floored = there.filter((file) => /^lib\/.*\.ts$/.test(file));

const related = relatedTests(changed);
const known = durations();
const tests = [];
let left = BUDGET;
for (const file of related) {
  const cost = (known[file] ?? UNKNOWN) + LOADING;
  // The nearest always: a check that tests nothing is none.
  if (!values.all && tests.length > 0 && cost > left) continue;
  tests.push(file);
  left -= cost;
}

console.log(`${changed.length} changed since ${branch}: ${shortened(changed)}`);
const report = join(root, ".cache", "test", "check.json");
const tools = {
  types: ["typescript/bin/tsc", "-b"],
  form: ["@biomejs/biome/bin/biome", "check", "--no-errors-on-unmatched", ...formed],
  floors: ["dependency-cruiser/bin/dependency-cruise.mjs", "--config", ".dependency-cruiser.cjs", ...floored],
  tests: [
    "vitest/vitest.mjs",
    "run",
    "--project=unit",
    "--reporter=dot",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...tests,
  ],
};

/** Runs a tool where there is something for it; true where all is well. */
async function run(title, count, what = `${count} ${count === 1 ? "file" : "files"}`) {
  if (count === 0) {
    console.log(`- ${title}  nothing to do`);
    return true;
  }
  const start = performance.now();
  const [script, ...args] = tools[title];
  const { code, output } = await node(`node_modules/${script}`, args, { env: { NO_COLOR: "1" } });
  const told = code === 0 ? "" : `\n\n${output.trim()}\n`;
  console.log(`${code === 0 ? "✔" : "✖"} ${title}  ${what}, ${seconds(start)}${told}`);
  return code === 0;
}

const types = run("types", typed.length);
/** What starts `slh` starts the build. */
const startsBuild = tests.some((file) =>
  readFileSync(join(root, file), "utf8").includes("lib/lakehouse/bin/slh"),
);
const runTests = async () => {
  // There is no build of what has a wrong type.
  if (startsBuild && (await types)) await build();
  return run("tests", tests.length, `${tests.length} of ${related.length} related files`);
};
const passed = await Promise.all([
  types,
  run("form", formed.length),
  run("floors", floored.length),
  runTests(),
]);
const isFine = passed.every(Boolean);
if (tests.length > 0) {
  rememberDurations(report);
  console.log(`Tested: ${shortened(tests, 12)}`);
}
const skipped = related.filter((file) => !tests.includes(file));
if (skipped.length > 0) console.log(`Left to --all: ${skipped.length} test files (${shortened(skipped)})`);
console.log("Left to npm test: the other tests, the notebooks' cells, what is unused.");
console.log(`${isFine ? "Fine" : "Not fine"}, after ${seconds(began)}.`);
process.exit(isFine ? 0 : 1);

function shortened(files, most = 4) {
  const more = files.length > most ? ` and ${files.length - most} more` : "";
  return files.slice(0, most).join(", ") + more;
}

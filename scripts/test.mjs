// npm test [-- test/iceberg …]: installs and builds what is missing, type-checks, lints, runs the tests. Arguments
// go to Vitest. The last line adds everything up: "N passed, N failed".
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build, checkNode, install, node, root, SetupError, seconds, slh } from "./setup.mjs";

let passed = 0;
let failed = 0;

try {
  checkNode();
  await install();
  await build();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  console.log("0 passed, 1 failed");
  process.exit(1);
}

/** One check: a line when all is well, everything that it printed when not. */
async function check(title, work) {
  const began = performance.now();
  const { code, output } = await work();
  if (code === 0) {
    passed++;
    console.log(`✔ ${title}  ${seconds(began)}`);
  } else {
    failed++;
    console.log(`✖ ${title}  ${seconds(began)}\n\n${output.trim()}\n`);
  }
}

const plain = { env: { NO_COLOR: "1" } };
await check("types of the library, the kit and the tests", () =>
  node("node_modules/typescript/bin/tsc", ["-p", "tsconfig.json"], plain),
);
await check("types of the notebooks' cells", () => slh(["notebook", "check"], plain));
await check("form (Biome)", () => node("node_modules/@biomejs/biome/bin/biome", ["check", "."], plain));
await check("floors (dependency-cruiser)", () =>
  node(
    "node_modules/dependency-cruiser/bin/dependency-cruise.mjs",
    ["lib", "--config", ".dependency-cruiser.cjs"],
    plain,
  ),
);
await check("nothing unused (knip)", () => node("node_modules/knip/bin/knip.js", [], plain));

const report = join(root, ".cache", "test", "report.json");
mkdirSync(join(root, ".cache", "test"), { recursive: true });
rmSync(report, { force: true });
const vitest = await node(
  "node_modules/vitest/vitest.mjs",
  [
    "run",
    "--project",
    "unit",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  { stdio: "inherit" },
);
if (existsSync(report)) {
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, "utf8"));
  // A file that does not even load has no tests to count.
  const unloaded = testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && assertionResults.every((test) => test.status !== "failed"),
  ).length;
  passed += numPassedTests;
  failed += numFailedTests + unloaded;
  // An error outside of any test.
  if (vitest.code !== 0 && numFailedTests + unloaded === 0) failed++;
} else {
  console.log("✖ Vitest did not start (see above)");
  failed++;
}

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

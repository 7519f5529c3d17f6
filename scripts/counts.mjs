// Counts of tests, and the closing line that the scripts of this folder print and .ci/run adds up.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { node, root } from "./setup.mjs";

/** "N passed, N failed", and ", N skipped" where some were. */
export const closingLine = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;

/**
 * Rooms whose tests leave nothing behind in modules: one process runs many of their files, and loads the library once.
 * That takes 40% off the time of iceberg's. A room belongs here when it passes with `vitest run --no-isolate`.
 */
const SHARING = ["backup", "catalog", "iceberg", "lakehouse", "parquet", "pipeline", "storage"].map(
  (room) => `test/${room}/`,
);

/** All unit tests: those of the rooms above without isolation, then the others with it. */
export async function unitTests() {
  const files = SHARING.flatMap(testFiles);
  const together = files.filter((file) => !replacesModules(file));
  const sharing = await vitest("unit", ["--no-isolate", ...together], {}, "unit-sharing");
  const rest = readdirSync(join(root, "test"))
    .filter((name) => !["interop", "site", "support"].includes(name) && !SHARING.includes(`test/${name}/`))
    .map((name) => (name.endsWith(".ts") ? `test/${name}` : `test/${name}/`));
  const others = await vitest("unit", [...rest, ...files.filter(replacesModules)]);
  return Object.fromEntries(Object.keys(others).map((key) => [key, sharing[key] + others[key]]));
}

const testFiles = (room) =>
  readdirSync(join(root, room), { recursive: true })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => `${room}${name.split(sep).join("/")}`);

/** A test file that does shares no process: what another one has loaded there is not replaced. */
const replacesModules = (file) => readFileSync(join(root, file), "utf8").includes("vi.mock(");

/** Runs the tests of a Vitest project, which print as they go, and counts them. `signal` ends it before. */
export async function vitest(project, args, env = {}, name = project, signal = undefined) {
  const report = join(root, ".cache", "test", `${name}.json`);
  mkdirSync(dirname(report), { recursive: true });
  rmSync(report, { force: true });
  const reporters = ["default", "./test/support/lacks-reporter.ts", "json"].map(
    (name) => `--reporter=${name}`,
  );
  const { code } = await node(
    "node_modules/vitest/vitest.mjs",
    ["run", "--project", project, ...reporters, `--outputFile.json=${report}`, ...args],
    { stdio: "inherit", env, signal },
  );
  if (signal?.aborted) return { passed: 0, failed: 1, skipped: 0 };
  if (!existsSync(report)) {
    console.log("✖ Vitest did not start (see above)");
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(
    readFileSync(report, "utf8"),
  );
  rememberDurations(report);
  // A file that does not even load has no tests to count.
  const unloaded = testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && assertionResults.every((test) => test.status !== "failed"),
  ).length;
  const failed = numFailedTests + unloaded;
  return {
    passed: numPassedTests,
    // An error outside of any test.
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: numPendingTests,
  };
}

const DURATIONS = join(root, ".cache", "test", "durations.json");

/** Seconds that each test file took when it last ran here, by its path from the project's root. */
export function durations() {
  return existsSync(DURATIONS) ? JSON.parse(readFileSync(DURATIONS, "utf8")) : {};
}

/** Takes them from a report of Vitest's. */
export function rememberDurations(report) {
  if (!existsSync(report)) return;
  const { testResults } = JSON.parse(readFileSync(report, "utf8"));
  const took = testResults.map(({ name, startTime, endTime }) => [
    relative(root, name).split(sep).join("/"),
    Math.round((endTime - startTime) / 10) / 100,
  ]);
  writeFileSync(DURATIONS, JSON.stringify({ ...durations(), ...Object.fromEntries(took) }));
}

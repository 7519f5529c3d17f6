// npm test [-- test/iceberg …]: installs and builds what is missing, type-checks, lints, runs the tests. Arguments
// go to Vitest. The last line adds everything up: "N passed, N failed", and ", N skipped" where some were.
import { checks } from "./checks.mjs";
import { closingLine, unitTests, vitest } from "./counts.mjs";
import { build, checkNode, install, SetupError } from "./setup.mjs";

try {
  checkNode();
  await install();
  await build();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  console.log(closingLine({ passed: 0, failed: 1, skipped: 0 }));
  process.exit(1);
}

const checked = await checks();
const args = process.argv.slice(2);
const tested = args.length === 0 ? await unitTests() : await vitest("unit", args);
const total = {
  passed: checked.passed + tested.passed,
  failed: checked.failed + tested.failed,
  skipped: tested.skipped,
};
console.log(closingLine(total));
process.exit(total.failed === 0 ? 0 : 1);

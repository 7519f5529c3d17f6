// npm run test:site [-- test/site/pages.test.ts …]: builds the content, then opens every page of the site in an installed
// browser. It runs no notebook: the outputs of npm start, or the committed ones where they are fresh, are enough.
import { closingLine, vitest } from "./counts.mjs";
import { build, checkNode, install, SetupError, slh, step } from "./setup.mjs";

try {
  checkNode();
  await install();
  await build();
  const { result } = await step("making pages", () => slh(["content", "build"]));
  if (result.code !== 0) {
    const remedy = "Run npm start, which runs the notebooks whose outputs are stale. Then try again.";
    throw new SetupError("the site cannot be built.", result.output.trim(), remedy);
  }
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  console.log(closingLine({ passed: 0, failed: 1, skipped: 0 }));
  process.exit(1);
}

const counts = await vitest("site", process.argv.slice(2));
console.log(closingLine(counts));
process.exit(counts.failed === 0 ? 0 : 1);

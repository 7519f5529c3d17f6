// npm start [-- m03 …]: installs and builds what is missing, runs the notebooks that are not fresh on this machine,
// builds the content, and says what came of it. Everything that it writes is ignored by git.
import { relative } from "node:path";
import { build, checkNode, install, root, SetupError, slh, step } from "./setup.mjs";

const milestones = process.argv.slice(2);
try {
  checkNode();
  await install();
  await build();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exit(1);
}

const ran = await slh(["run", ...milestones], { stdio: "inherit" });
if (ran.code !== 0) process.exit(ran.code);

const { result: content } = await step("making pages", () =>
  slh(["content", "build", ...milestones, "--json"]),
);
if (content.code !== 0) {
  console.error(content.output.trimEnd());
  process.exit(content.code);
}
const report = JSON.parse(content.stdout);

const status = await slh(["status", ...milestones, "--json"], { stdio: ["ignore", "pipe", "inherit"] });
if (status.code !== 0) process.exit(status.code);

const pages = new Map(report.milestones.map(({ id, pages: made }) => [id, made]));
const rows = JSON.parse(status.stdout)
  .filter(({ recorded }) => recorded)
  .map(({ id, slug, recorded }) => [
    `${id}  ${slug}`,
    String(recorded.cells),
    (recorded.milliseconds / 1000).toFixed(1),
    String(recorded.facts),
    String(pages.get(id) ?? 0),
  ]);
const table = [["", "cells", "seconds", "facts", "pages"], ...rows];
const widths = table[0].map((_, index) => Math.max(...table.map((row) => row[index].length)));
console.log();
for (const row of table) {
  console.log(
    row
      .map((text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i] + 2)))
      .join("")
      .trimEnd(),
  );
}
console.log(`
Open next
  ${relative(root, report.home)}  the site: npx slh content serve shows it in a browser
  npx slh lab               the notebooks
  npx slh status            what is left to do`);

// What failed in the runs of Vitest whose reports are here, each with the beginning of its message: .ci/run prints it last,
// where whoever keeps only the end of what it prints finds it.
import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { root } from "./setup.mjs";

const LINES = 12;

for (const name of ["unit-sharing", "unit", "site", "interop", "stack"]) {
  const report = join(root, ".cache", "test", `${name}.json`);
  if (!existsSync(report)) continue;
  for (const file of JSON.parse(readFileSync(report, "utf8")).testResults) {
    const failed = file.assertionResults.filter(({ status }) => status === "failed");
    for (const test of failed) tell(file.name, test.fullName, test.failureMessages.join("\n"));
    if (file.status === "failed" && failed.length === 0) tell(file.name, "(did not load)", file.message);
  }
}

function tell(file, test, message) {
  const lines = stripVTControlCharacters(message).split("\n").slice(0, LINES);
  console.log(`✖ ${relative(root, file)}: ${test}\n${lines.map((line) => `    ${line}`).join("\n")}`);
}

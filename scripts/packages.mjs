// Whether the packages would be well published: what publint and "are the types wrong" say of their tarballs, from the build.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";

/** Entries are ES modules; CommonJS gets them by `require`, which Node has for them since 20.19. */
const EXPECTED = new Set(["CJSResolvesToESM"]);

const problems = [];
for (const home of ["lib/lakehouse", "lib/kit"]) {
  const folder = mkdtempSync(join(tmpdir(), "slh-pack-"));
  try {
    const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
    const script = process.env.npm_execpath;
    const [program, first] = script?.endsWith(".js") ? [process.execPath, [script]] : ["npm", []];
    const options = { cwd: home, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] };
    const [pack] = Object.values(JSON.parse(execFileSync(program, [...first, ...args], options)));
    const tarball = readFileSync(join(folder, pack.filename));
    const data = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.byteLength);
    const linted = await publint({ pack: { tarball: data } });
    const manifest = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
    for (const message of linted.messages) problems.push(`${home}: ${formatMessage(message, manifest)}`);
    const { types, problems: wrong = [] } = await checkPackage(
      createPackageFromTarballData(new Uint8Array(data)),
    );
    if (types === false) problems.push(`${home}: it has no types`);
    for (const problem of wrong)
      if (!EXPECTED.has(problem.kind)) problems.push(`${home}: ${JSON.stringify(problem)}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

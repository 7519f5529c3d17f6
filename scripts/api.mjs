/**
 * The API reference: every name that `sololakehouse` and its rooms export, from their docstrings, as pages in
 * `dist/site/api`. `slh content build` makes the site anew around it, so this comes after it.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Application } from "typedoc";

const root = fileURLToPath(new URL("..", import.meta.url));
const home = join(root, "lib/lakehouse");
const { exports } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
const entryPoints = Object.values(exports)
  .flatMap(({ types }) => types ?? [])
  .map((types) => join(home, types.replace("./dist/", "").replace(/\.d\.ts$/, ".ts")));

const app = await Application.bootstrap({
  name: "sololakehouse",
  entryPoints,
  tsconfig: join(home, "tsconfig.json"),
  readme: join(home, "README.md"),
  disableSources: true,
  excludeInternal: true,
  excludePrivate: true,
  githubPages: false,
  hideGenerator: true,
  logLevel: "Error",
  skipErrorChecking: true,
});
const project = await app.convert();
if (project === undefined) process.exit(1);
const out = join(root, "dist/site/api");
await app.generateDocs(project, out);
if (app.logger.hasErrors()) process.exit(1);
console.log(`The API reference is in ${out}.`);

/**
 * Content: prose pulls facts, figures, tables and cells out of executed notebooks by name, and becomes the site,
 * posts and scripts. Rules of every channel are checked with file and line. How to write: README.md in this folder.
 */
export { type BuildOptions, type BuildReport, buildContent, checkContent, saveDiagrams } from "./build.js";
export { contentCommands } from "./commands.js";
export { contentDone } from "./done.js";
export type { CheckResult } from "./pieces/check.js";
export { type SiteServer, serveSite } from "./site/serve.js";

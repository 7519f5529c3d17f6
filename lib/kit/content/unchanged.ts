import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Project } from "../milestones/index.js";
import type { BuildReport } from "./build.js";
import { contentHash } from "./draw/cache.js";
import type { MilestoneContent } from "./model/inputs.js";
import type { SiteSettings } from "./model/settings.js";

/** What the last build was made from, and the size of each file that it left. */
interface Stamp {
  readonly key: string;
  readonly report: BuildReport;
  readonly sizes: Readonly<Record<string, number>>;
}

const stampPath = ({ dist }: Project): string => join(dist, "content-build.json");

/** A hash of everything that a build is made from: texts, pictures, outputs, templates, and the code that makes it. */
export function inputsKey(
  { root }: Project,
  all: readonly MilestoneContent[],
  settings: SiteSettings,
  options: unknown,
): string {
  const code = ["package-lock.json", "lib/kit/dist/built.json"]
    .map((path) => join(root, path))
    .filter(existsSync);
  const folders = [join(root, "blog"), join(root, "docs"), ...all.map(({ milestone }) => milestone.folder)];
  const files = [...code, ...folders.flatMap(filesIn)];
  const outputs = all.map(({ milestone, state, recorded, onStack }) => [
    milestone.id,
    state,
    recorded?.notebook,
    onStack?.state,
  ]);
  return contentHash(
    JSON.stringify([settings, options, outputs, process.version]),
    ...files.flatMap((path) => [relative(root, path), readFileSync(path)]),
  );
}

/** The report of the last build, when another one would give the same and all its files are there still. */
export function unchangedBuild(project: Project, key: string): BuildReport | undefined {
  const path = stampPath(project);
  if (!existsSync(path)) return undefined;
  const stamp = JSON.parse(readFileSync(path, "utf8")) as Stamp;
  const isWhole = () =>
    Object.entries(stamp.sizes).every(
      ([name, size]) => statSync(join(project.dist, name), { throwIfNoEntry: false })?.size === size,
    );
  return stamp.key === key && isWhole() ? stamp.report : undefined;
}

/** Notes what was built, for the next time. */
export function noteBuild(project: Project, key: string, report: BuildReport): void {
  const files = ["site", "content"].map((name) => join(project.dist, name)).flatMap(filesIn);
  const sizes = Object.fromEntries(files.map((path) => [relative(project.dist, path), statSync(path).size]));
  mkdirSync(dirname(stampPath(project)), { recursive: true });
  writeFileSync(stampPath(project), JSON.stringify({ key, report, sizes } satisfies Stamp));
}

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

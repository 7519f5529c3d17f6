import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Project } from "../../milestones/index.js";
import { isStarted, type MilestoneContent } from "../model/inputs.js";
import { readParts } from "../model/parts.js";
import type { MilestoneProgress } from "./progress.js";

/** What the project promises as a whole, with what was looked at to say whether it holds. */
export interface KeptPromise {
  readonly promise: string;
  readonly kept: boolean;
  /** What holds it, or what is off. */
  readonly evidence: string;
}

/** What promises are held against. */
export interface PromiseInput {
  readonly project: Project;
  readonly all: readonly MilestoneContent[];
  readonly milestones: readonly MilestoneProgress[];
}

type Evidence = Omit<KeptPromise, "promise">;

/** Each promise with its check, in the order in which they are shown. */
const PROMISES: readonly (readonly [string, (input: PromiseInput) => Evidence | Promise<Evidence>])[] = [
  ["The architecture is complete", architecture],
  ["It starts with one command", oneCommand],
  ["Each component has a post and a demo", postsAndDemos],
  ["A pipeline runs from end to end", endToEnd],
  ["It is explained in ten minutes", explained],
  ["There is a portfolio to send", portfolio],
];

/** Holds every promise against what is there. */
export async function keptPromises(input: PromiseInput): Promise<KeptPromise[]> {
  const kept: KeptPromise[] = [];
  for (const [promise, check] of PROMISES) kept.push({ promise, ...(await check(input)) });
  return kept;
}

const holds = (evidence: string): Evidence => ({ kept: true, evidence });
const fails = (evidence: string): Evidence => ({ kept: false, evidence });

/** The first of several, and how many more there are. */
const few = (items: readonly string[], most = 3): string =>
  [...items.slice(0, most), ...(items.length > most ? [`and ${items.length - most} more`] : [])].join(", ");

/** Nothing in the picture of the whole, nor among the parts that texts speak of, is planned. */
function architecture({ project, all }: PromiseInput): Evidence {
  const path = join(project.root, "blog", "architecture.d2");
  if (!existsSync(path)) return fails("blog/architecture.d2 is missing");
  const parts = readParts(project, all);
  const planned = parts.filter(({ built }) => built === undefined).map(({ name }) => name);
  const dashed = /class:\s*(?:\[[^\]]*)?\bplanned\b/.test(readFileSync(path, "utf8"));
  if (planned.length > 0) return fails(`planned: ${few(planned)}`);
  if (dashed) return fails("blog/architecture.d2 draws something as planned");
  return holds(`all ${parts.length} parts are built, and blog/architecture.d2 draws none as planned`);
}

/** `npm start` is there, the README gives it, and continuous integration runs it. */
function oneCommand({ project: { root } }: PromiseInput): Evidence {
  const read = (path: string): string =>
    existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : "";
  const { scripts = {} } = JSON.parse(read("package.json")) as { scripts?: Record<string, string> };
  const [, script] = /^node (\S+)/.exec(scripts.start ?? "") ?? [];
  if (script === undefined || !existsSync(join(root, script)))
    return fails('package.json has no script "start" that leads to a file');
  if (!/^npm start\b/m.test(read("README.md"))) return fails("README.md does not give npm start");
  if (!/^step npm start$/m.test(read(".ci/run"))) return fails(".ci/run does not run npm start");
  return holds(`npm start runs ${script}; README.md gives it and .ci/run runs it from a clone`);
}

/** Every milestone that promises a post is done: post, notebook and script hold their rules on fresh outputs. */
function postsAndDemos({ all, milestones }: PromiseInput): Evidence {
  const components = all.filter(({ milestone }) => milestone.definitionOfDone.includes("blog"));
  const off = components.flatMap(({ milestone }) => {
    const lacks = milestones.find(({ id }) => id === milestone.id)?.lacks ?? [];
    return lacks.length > 0 ? [milestone.label] : [];
  });
  if (components.length === 0) return fails("no milestone promises a post");
  return off.length > 0
    ? fails(`${components.length - off.length} of ${components.length} are done; not ${few(off, 5)}`)
    : holds(
        `${components.length} of ${components.length} have a post, a notebook that runs and a video script`,
      );
}

/** The tour from end to end is there, and done. */
function endToEnd({ all, milestones }: PromiseInput): Evidence {
  const tour = all.find(({ milestone }) => milestone.id === "end-to-end");
  if (!tour || !isStarted(tour)) return fails("notebooks/end-to-end is not there");
  const lacks = milestones.find(({ id }) => id === "end-to-end")?.lacks ?? [];
  return lacks[0] === undefined
    ? holds(`notebooks/end-to-end runs, with ${tour.recorded?.facts.size ?? 0} facts recorded`)
    : fails(`notebooks/end-to-end: ${lacks[0]}`);
}

const TEN_MINUTES = 600;

/** The talk prints its track, and its clock ends in time. */
async function explained({ project }: PromiseInput): Promise<Evidence> {
  const words = ["interview", "talk", "--minutes", "10"];
  const { code, out } = await slh(words, project.root);
  if (code !== 0) return fails(`slh ${words.join(" ")} ends with ${code ?? "a signal"}`);
  const times = [...out.matchAll(/(?<![\d:])(\d{1,2}):([0-5]\d)(?![\d:])/g)].map(
    ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
  );
  const end = Math.max(...times);
  if (times.length === 0) return fails(`slh ${words.join(" ")} prints no times`);
  const clock = `${Math.floor(end / 60)}:${String(end % 60).padStart(2, "0")}`;
  return end <= TEN_MINUTES
    ? holds(`slh ${words.join(" ")} ends at ${clock}`)
    : fails(`slh ${words.join(" ")} goes on until ${clock}`);
}

/** Runs a command of the one command line, as a reader would. */
function slh(words: readonly string[], cwd: string): Promise<{ code: number | null; out: string }> {
  const manifest = createRequire(import.meta.url).resolve("sololakehouse/package.json");
  const bin = join(dirname(manifest), "bin", "slh.js");
  return new Promise((resolve, reject) => {
    const env = { ...process.env, NO_COLOR: "1" };
    const child = spawn(process.execPath, [bin, ...words], { cwd, env, stdio: ["ignore", "pipe", "ignore"] });
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.on("error", reject).on("close", (code) => resolve({ code, out }));
  });
}

/** The page to send is among the texts, and its milestone or the site's rules hold. */
function portfolio({ project, milestones }: PromiseInput): Evidence {
  const path = "docs/portfolio.md";
  if (!existsSync(join(project.root, path))) return fails(`${path} is not there`);
  const off = milestones.filter(({ number, lacks }) => number !== undefined && lacks.length > 0);
  return off.length > 0
    ? fails(
        `${path} is there; not done are ${few(
          off.map(({ label }) => label),
          5,
        )}`,
      )
    : holds(`${path}, and every milestone that it stands on is done`);
}

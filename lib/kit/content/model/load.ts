import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { invalidConfig } from "sololakehouse/errors";
import { parse } from "yaml";
import { listMilestones, type Milestone, type Project } from "../../milestones/index.js";
import { freshOutputs, placeOf, type RecordedNotebook, steadily } from "../../notebook/index.js";
import { type MilestoneContent, type OutputState, readContent } from "./inputs.js";

/** What `blog/site.yaml` says of the site as a whole. */
export interface SiteSettings {
  readonly title: string;
  /** The one sentence of the home page. */
  readonly sentence: string;
  /** Where the site will be published, without slash at the end: feeds and social images need whole URLs. */
  readonly url: string;
  readonly author: string;
  /** Base of links to source files, without slash at the end; empty when the code is not on a public host. */
  readonly source: string;
  readonly language: string;
}

/**
 * Reads the site's settings; `SLH_SITE_URL` overrides where it is published.
 *
 * @throws INVALID_CONFIG when a setting is missing.
 */
export function readSettings(project: Project): SiteSettings {
  const path = join(project.root, "blog", "site.yaml");
  const raw = (existsSync(path) ? parse(readFileSync(path, "utf8")) : {}) as Record<string, unknown>;
  const text = (key: string, otherwise?: string): string => {
    const value = raw[key] ?? otherwise;
    if (typeof value === "string") return value.trim();
    throw invalidConfig("blog/site.yaml", `blog/site.yaml: "${key}" must be a text.`, "Add it.");
  };
  return {
    title: text("title"),
    sentence: text("sentence"),
    url: siteUrl(process.env.SLH_SITE_URL ?? text("url")),
    author: text("author"),
    source: text("source", "").replace(/\/+$/, ""),
    language: text("language", "en"),
  };
}

function siteUrl(text: string): string {
  if (URL.canParse(text) && /^https?:/.test(text)) return text.replace(/\/+$/, "");
  throw invalidConfig(
    text,
    `"${text}" is not where a site can be published.`,
    "Give a whole URL in blog/site.yaml or SLH_SITE_URL: https://host/path.",
  );
}

/** Reads all milestones with their pieces and the freshest outputs that there are. */
export async function loadContent(project: Project): Promise<MilestoneContent[]> {
  const milestones = await listMilestones(project);
  return steadily(() =>
    Promise.all(
      milestones.map(async (milestone) =>
        readContent(project, milestone, await loadOutputs(project, milestone)),
      ),
    ),
  );
}

/** The copy run on this machine, when it is fresh; else the committed one, when that is; else neither is built from. */
async function loadOutputs(
  project: Project,
  milestone: Milestone,
): Promise<{ state: OutputState; recorded: RecordedNotebook | undefined }> {
  const place = placeOf(milestone, project);
  const { status, recorded } = await freshOutputs(place);
  const { machine, committed } = status;
  if (recorded) return { state: { kind: "fresh" }, recorded };
  if (machine.state === "failed") {
    return { state: { kind: "failed", reasons: machine.reasons }, recorded: undefined };
  }
  const kinds = [machine, committed];
  const stale = kinds.find(({ state }) => state === "stale");
  if (stale) return { state: { kind: "stale", reasons: stale.reasons }, recorded: undefined };
  return {
    state: { kind: machine.state === "not started" ? "not-started" : "missing" },
    recorded: undefined,
  };
}

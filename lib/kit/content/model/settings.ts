import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { invalidConfig } from "sololakehouse/errors";
import { parse } from "yaml";
import type { Project } from "../../milestones/index.js";

/** What `blog/site.yaml` says of the site as a whole. */
export interface SiteSettings {
  readonly title: string;
  /** What it is, in one sentence. */
  readonly sentence: string;
  /** Where the site will be published, without slash at the end: feeds and social images need whole URLs. */
  readonly url: string;
  readonly author: string;
  /** Where the code is, without slash at the end; empty when it is on no public host. */
  readonly repository: string;
  /** Base of links to source files, which follows from the repository. */
  readonly source: string;
  readonly language: string;
}

export const settingsPath = (project: Project): string => join(project.root, "blog", "site.yaml");

/**
 * Reads the site's settings; `SLH_SITE_URL` overrides where it is published.
 *
 * @throws INVALID_CONFIG when a setting is missing, or is no URL where one is needed.
 */
export function readSettings(project: Project): SiteSettings {
  const path = settingsPath(project);
  const raw = (existsSync(path) ? parse(readFileSync(path, "utf8")) : {}) as Record<string, unknown>;
  const text = (key: string, otherwise?: string): string => {
    const value = raw[key] ?? otherwise;
    if (typeof value === "string") return value.trim();
    throw invalidConfig("blog/site.yaml", `blog/site.yaml: "${key}" must be a text.`, SET_UP);
  };
  const repository = text("repository", "");
  return {
    title: text("title"),
    sentence: text("sentence"),
    url: webAddress(process.env.SLH_SITE_URL ?? text("url"), "where a site can be published"),
    author: text("author"),
    repository: repository === "" ? "" : webAddress(repository, "where code can be read"),
    source: repository === "" ? "" : sourceBase(webAddress(repository, "where code can be read")),
    language: text("language", "en"),
  };
}

const SET_UP = "Run: slh content setup";

/** A whole URL, without slash at the end. */
export function webAddress(text: string, what: string): string {
  if (URL.canParse(text) && /^https?:/.test(text)) return text.replace(/\/+$/, "");
  throw invalidConfig(text, `"${text}" is not ${what}.`, `Give a whole URL, https://host/path. ${SET_UP}`);
}

/** How code hosts name a file of a repository; the rest do as Gitea and Forgejo. */
function sourceBase(repository: string): string {
  const { hostname } = new URL(repository);
  if (hostname === "github.com") return `${repository}/blob/main`;
  return hostname.includes("gitlab") ? `${repository}/-/blob/main` : `${repository}/src/branch/main`;
}

/**
 * True for an address that nobody can publish at: texts for other platforms would show pictures that are nowhere
 * (RFC 2606 keeps these names for examples).
 */
export function isPlaceholder(url: string): boolean {
  return /(?:^|\.)example(?:\.(?:com|net|org))?$/.test(new URL(url).hostname);
}

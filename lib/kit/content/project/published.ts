import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { invalidConfig } from "sololakehouse/errors";
import { parse } from "yaml";
import type { MilestoneId, Project } from "../../milestones/index.js";
import { isPlaceholder } from "../model/settings.js";
import { CHANNELS, type Channel, isChannel } from "./channels.js";

/** A text or video that is out. */
export interface Publication {
  readonly milestone: MilestoneId;
  readonly channel: Channel;
  readonly url: string;
  /** `2026-12-01`. */
  readonly date: string;
}

const FILE = "blog/published.yaml";

/**
 * What `blog/published.yaml` says is out: the only part of the calendar that is typed in. Nothing where there is no such file.
 *
 * @param ids the milestones that there are.
 * @throws INVALID_CONFIG for a milestone or channel that is unknown, an address that is none or stands there twice, and a date
 *   that is none or is still to come.
 */
export function readPublished(
  project: Project,
  ids: readonly MilestoneId[],
  today: string = new Date().toISOString().slice(0, 10),
): Publication[] {
  const path = join(project.root, FILE);
  if (!existsSync(path)) return [];
  const fail = (where: string, must: string): never => {
    throw invalidConfig(FILE, `${FILE}: ${where} must be ${must}.`, EXAMPLE);
  };
  const mapping = (raw: unknown, where: string): [string, unknown][] =>
    raw !== null && typeof raw === "object" && !Array.isArray(raw)
      ? Object.entries(raw)
      : fail(where, "a mapping");
  let raw: unknown;
  try {
    raw = parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw invalidConfig(FILE, `${FILE} is not YAML: ${(cause as Error).message}.`, EXAMPLE, cause);
  }
  if (raw === null) return [];
  const found: Publication[] = [];
  for (const [milestone, channels] of mapping(raw, "the file")) {
    if (!ids.includes(milestone)) return fail(`"${milestone}"`, `a milestone: ${ids.join(", ")}`);
    for (const [channel, entry] of mapping(channels, `"${milestone}"`)) {
      const where = `"${milestone}.${channel}"`;
      if (!isChannel(channel)) return fail(where, `one of ${Object.keys(CHANNELS).join(", ")}`);
      const { url, date, ...rest } = Object.fromEntries(mapping(entry, where));
      const [more] = Object.keys(rest);
      if (more !== undefined) return fail(`${where}: "${more}"`, "left out: there are url and date");
      if (typeof url !== "string" || !isPublicAddress(url))
        return fail(`${where}: url`, "the whole https:// address");
      if (typeof date !== "string" || !isDate(date)) return fail(`${where}: date`, 'a day, "2026-12-01"');
      if (date > today) return fail(`${where}: date`, `${today} or before: what is to come is computed`);
      const twin = found.find((one) => one.url === url);
      if (twin) return fail(`${where}: url`, `its own: ${twin.milestone}.${twin.channel} has the same`);
      found.push({ milestone, channel, url, date });
    }
  }
  return found;
}

const EXAMPLE =
  'Write one line for each: m03: { devto: { url: "https://dev.to/…", date: "2026-12-01" } }. Leave out what is not out yet.';

const isPublicAddress = (url: string): boolean =>
  URL.canParse(url) && url.startsWith("https://") && !isPlaceholder(url);

/** A day that the calendar has: not the 30th of February. */
function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const parsed = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(text);
}

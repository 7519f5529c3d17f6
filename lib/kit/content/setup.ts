import { readFileSync, writeFileSync } from "node:fs";
import { invalidConfig } from "sololakehouse/errors";
import { parseDocument } from "yaml";
import type { Project } from "../milestones/index.js";
import { isPlaceholder, settingsPath, webAddress } from "./model/settings.js";

/** What is the publisher's own among the settings of the site. */
export interface SiteAnswers {
  readonly author?: string | undefined;
  readonly url?: string | undefined;
  readonly repository?: string | undefined;
}

/** Each setting with its question, and what an answer has to be. */
const QUESTIONS: Readonly<
  Record<keyof SiteAnswers, { readonly ask: string; check(answer: string): string }>
> = {
  author: {
    ask: "Your name, as it stands below posts",
    check: (answer) => {
      if (answer !== "") return answer;
      throw invalidConfig("author", "A site needs a name.", "Give yours, or that of your team.");
    },
  },
  url: {
    ask: "Where the site will be published, such as https://name.github.io/lakehouse",
    check(answer) {
      const url = webAddress(answer, "where a site can be published");
      if (!isPlaceholder(url)) return url;
      throw invalidConfig(answer, `${answer} is an address for examples.`, "Give the one where you publish.");
    },
  },
  repository: {
    ask: "The repository, such as https://github.com/name/lakehouse (empty: none)",
    check: (answer) => (answer === "" ? "" : webAddress(answer, "where code can be read")),
  },
};

/**
 * Writes answers into `blog/site.yaml`, whose comments and other settings stay. What was not given is asked for where
 * somebody can answer, and stays as it is elsewhere.
 *
 * @returns the settings that were written.
 * @throws INVALID_CONFIG for an answer that will not do, before anything is written; for no answer at all.
 */
export async function setUpSite(project: Project, given: SiteAnswers, mayAsk: boolean): Promise<SiteAnswers> {
  const path = settingsPath(project);
  const document = parseDocument(readFileSync(path, "utf8"));
  const answers: Record<string, string> = {};
  for (const [key, { ask, check }] of Object.entries(QUESTIONS)) {
    const said = given[key as keyof SiteAnswers];
    const answer = said ?? (mayAsk ? await asked(ask, String(document.get(key) ?? ""), check) : undefined);
    if (answer !== undefined) answers[key] = check(answer.trim());
  }
  if (Object.keys(answers).length === 0) {
    throw invalidConfig(
      "slh content setup",
      "slh content setup asks, and here nobody can answer.",
      'Give what is to be set: slh content setup --author "Name" --url https://… --repository https://…',
    );
  }
  for (const [key, answer] of Object.entries(answers)) document.set(key, answer);
  writeFileSync(path, document.toString({ lineWidth: 0 }));
  return answers;
}

async function asked(
  message: string,
  current: string,
  check: (answer: string) => string,
): Promise<string | undefined> {
  const { isCancel, text } = await import("@clack/prompts");
  const answer = await text({
    message,
    initialValue: current,
    validate(value = "") {
      try {
        check(value.trim());
      } catch (error) {
        return (error as Error).message;
      }
    },
  });
  return isCancel(answer) ? undefined : answer;
}

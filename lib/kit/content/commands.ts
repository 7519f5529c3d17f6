import { join, relative } from "node:path";
import type { Command } from "commander";
import { ink, portNumber, printJson, printJsonLine, stopSignal } from "sololakehouse/terminal";
import {
  findProject,
  listMilestones,
  type Milestone,
  type Project,
  selectMilestones,
} from "../milestones/index.js";

/** `slh content build`, `check`, `setup`, `plan`, `video` and `serve`. */
export function contentCommands(program: Command): void {
  const content = program
    .command("content")
    .summary("build, check and serve what is made from the notebooks")
    .description("Makes pages and posts from what the notebooks measured, and checks them.")
    .addHelpText(
      "after",
      `
Examples:
  $ slh content check
  $ slh content build
  $ slh content serve`,
    );

  content
    .command("build")
    .argument("[milestone...]", "m03, 3 or writing-iceberg; all when left out")
    .summary("build the site and the channel texts")
    .description("Builds dist/site and dist/content. Refused while a milestone's outputs are not fresh.")
    .option("--save", "also redraw committed diagram.svg files whose source has changed")
    .option("--json", "report as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh content build          the site and every channel
  $ slh content build m03      m03 must build; others join where they can
  $ slh content build --save   and redraw diagrams for the commit`,
    )
    .action(async (words: string[], options: { save?: boolean; json?: boolean }) => {
      const { buildContent } = await import("./build.js");
      const project = findProject();
      const only = await chosen(project, words);
      const saved = options.save ? await (await import("./save-diagrams.js")).saveDiagrams(project) : [];
      const report = await buildContent(project, {
        only,
        onStage: (stage) => {
          if (!options.json && process.stderr.isTTY) process.stderr.write(`${stage}\n`);
        },
      });
      if (options.json) return printJson({ ...report, saved });
      for (const path of saved) print(`drew ${path}`);
      for (const { id, pages, pieces } of report.milestones)
        print(`${id}  ${pages} pages  ${pieces.join(", ")}`);
      for (const { id, reason } of report.skipped) print(`${id}  left out: ${reason}`);
      if (report.unprinted) {
        print(
          "NOT PRINTED: no Chromium is installed, so slides and LinkedIn documents are HTML alone, without PDF. Install one, or name it in SLH_CHROMIUM.",
        );
      }
      if (report.withheld.length > 0) {
        print(
          `not written: ${report.withheld.length} texts for other platforms (${report.withheld[0]}, …): blog/site.yaml still has a placeholder for the site's address, and their pictures would be nowhere. Run: slh content setup`,
        );
      }
      print(
        `${report.pages} pages in ${report.seconds.toFixed(1)} s. Open ${relative(process.cwd(), report.home)}, or run: slh content serve`,
      );
    });

  content
    .command("setup")
    .summary("say whose site it is, and where it will be")
    .description(
      "Sets author, URL and repository in blog/site.yaml. Asks for what is not given, where somebody can answer.",
    )
    .option("--author <name>", "whose name stands below posts")
    .option("--url <url>", "where the site will be published")
    .option("--repository <url>", "where the code is; empty for none")
    .option("--json", "print what was set as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh content setup
  $ slh content setup --author "Ada L." --url https://ada.github.io/lakehouse --repository https://github.com/ada/lakehouse`,
    )
    .action(
      async ({ json, ...options }: { author?: string; url?: string; repository?: string; json?: true }) => {
        const { setUpSite } = await import("./setup.js");
        const mayAsk = process.stdin.isTTY === true && process.stdout.isTTY === true;
        const isAsked = Object.keys(options).length === 0;
        const set = await setUpSite(findProject(), options, mayAsk && isAsked && json !== true);
        if (json) return printJson(set);
        for (const [key, value] of Object.entries(set)) print(`${key}: ${value === "" ? "none" : value}`);
        print("Written to blog/site.yaml. Next: slh content build");
      },
    );

  content
    .command("check")
    .argument("[milestone...]", "m03, 3 or writing-iceberg; all when left out")
    .summary("check every text against its rules")
    .description(
      "Checks every text against the rules of its channel: names, sections, lengths, timings, links.",
    )
    .option("--all", "show the rules that hold, too")
    .option("--json", "report as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh content check
  $ slh content check m03 --all`,
    )
    .action(async (words: string[], options: { all?: boolean; json?: boolean }) => {
      const project = findProject();
      const { checkContent } = await import("./judge.js");
      const { breaks } = await import("./pieces/result.js");
      const results = [...(await checkContent(project, await chosen(project, words))).values()].flat();
      const broken = results.filter(breaks);
      const missing = results.filter((result) => !result.ok && !breaks(result));
      if (options.json) printJson(results);
      else {
        for (const result of options.all ? results : [...broken, ...missing]) {
          const { ok, rule, file, line, column, message } = result;
          const mark = ok ? ink("✔", "green") : breaks(result) ? ink("✖", "red") : ink("○", "grey");
          print(`${mark} ${file}:${line}:${column}  ${rule}: ${message}`);
        }
        const held = results.filter(({ ok }) => ok).length;
        const left = missing.length > 0 ? ` Still to be done: ${missing.length}.` : "";
        print(
          results.length === 0
            ? "Nothing to check: no milestone has content yet."
            : `${held} rules hold, ${broken.length} do not.${left}`,
        );
      }
      if (broken.length > 0) process.exitCode = 1;
    });

  content
    .command("plan")
    .summary("show what is published, what is ready and what comes next")
    .description(
      "Shows where the project stands, and each milestone on each channel. Computed, but for the addresses in blog/published.yaml.",
    )
    .option("--json", "print it as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh content plan
  $ slh content plan --json | jq .nextContent`,
    )
    .action(async ({ json }: { json?: true }) => {
      const { readProjectState } = await import("./project/state.js");
      const { printPlan, printStanding } = await import("./project/print.js");
      const state = await readProjectState(findProject());
      if (json) return printJson(state);
      printStanding(state);
      print("");
      printPlan(state.plan);
    });

  content
    .command("video")
    .argument("<milestone>", "m03, 3 or writing-iceberg")
    .summary("render a draft of a milestone's video")
    .description(
      "Renders what the script shows, in the script's time, with captions burnt in and beside, into dist/video. Needs ffmpeg and Chromium. The voice is espeak-ng's, espeak's or say's; without one of them the video is silent.",
    )
    .option("--seconds <number>", "make the beginning alone", Number)
    .option("--silent", "captions without a voice")
    .option("--json", "report as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh content video m03
  $ slh content video m03 --seconds 30 --silent`,
    )
    .action(async (word: string, { json, ...options }: { seconds?: number; silent?: true; json?: true }) => {
      const { makeVideo } = await import("./video/film.js");
      const project = findProject();
      const [milestone] = selectMilestones(await listMilestones(project), [word]);
      const onStage = (stage: string) => {
        if (!json && process.stderr.isTTY) process.stderr.write(`${stage}\n`);
      };
      const report = await makeVideo(project, milestone as Milestone, { ...options, onStage });
      if (json) return printJson(report);
      const { video, captions, seconds, shots, voice } = report;
      print(`${video}  ${shots} shots, ${seconds.toFixed(0)} s, ${voice ? `said by ${voice}` : "silent"}`);
      print(`${captions}  its captions`);
    });

  content
    .command("serve")
    .summary("serve the built site")
    .description(
      "Serves the built site on this machine alone. Search needs it; everything else opens from the file.",
    )
    .option("--port <number>", "port to listen on; 0 takes a free one", portNumber, 4173)
    .option("--json", "say where it is in a line of JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh content serve
  $ slh content serve --port 0`,
    )
    .action(async ({ port, json }: { port: number; json?: true }) => {
      const { serveSite } = await import("./site/serve.js");
      const server = await serveSite(join(findProject().dist, "site"), port);
      // Who has read where it is may stop it at once.
      const stopped = stopSignal();
      if (json) printJsonLine({ url: server.url });
      else print(`${server.url}  (Ctrl-C ends it)`);
      await stopped;
      await server.close();
    });
}

/** Ids of the milestones that the words name; undefined when there are no words. */
async function chosen(project: Project, words: readonly string[]): Promise<string[] | undefined> {
  if (words.length === 0) return undefined;
  return selectMilestones(await listMilestones(project), words).map(({ id }) => id);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

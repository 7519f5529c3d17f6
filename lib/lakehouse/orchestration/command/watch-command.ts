import { invalidArgument, invalidConfig } from "../../errors.js";
import { type Ink, ink, printJsonLine, printLine } from "../../terminal/index.js";
import type { OrchestrationContext } from "../orchestration.js";
import type { WatchEvent } from "../watch/look.js";
import { loadPipelines, pickPipeline } from "./file.js";
import { printPlain } from "./output.js";
import { type FileFlags, withOrchestration } from "./run-commands.js";

export interface WatchFlags extends FileFlags {
  readonly once?: true;
  readonly only?: "schedules" | "sensors";
  readonly dryRun?: true;
  readonly every: number;
}

/** `slh pipeline watch`. The exit code of one look is 1 where something that was due was not done. */
export async function watchCommand(
  context: OrchestrationContext,
  names: readonly string[],
  { file, once, only, dryRun, every, json }: WatchFlags,
  signal: AbortSignal,
): Promise<void> {
  if (dryRun && !once)
    throw invalidArgument("--dry-run", "--dry-run is for one look.", "Say --once as well.");
  const loaded = await loadPipelines(file);
  const pipelines =
    names.length > 0
      ? names.map((name) => pickPipeline(loaded, name))
      : loaded.pipelines.filter(({ triggers }) => triggers.length > 0);
  if (pipelines.length === 0)
    throw invalidConfig(
      loaded.path,
      `No pipeline of ${loaded.path} has triggers.`,
      'Give one some, as in triggers: [schedule("0 6 * * *")].',
    );
  const waiting = new Set<string>();
  const onEvent = (event: WatchEvent) => {
    if (json) return once ? undefined : printJsonLine(event);
    // What waits is said once.
    const key = `${event.pipeline} ${event.trigger} ${event.at}`;
    if (event.outcome !== "waits") waiting.delete(key);
    else if (waiting.has(key)) return;
    else waiting.add(key);
    printEvent(event);
  };
  await withOrchestration(context, async (orchestration) => {
    if (once) {
      const events = await orchestration.runDue(pipelines, { only, dryRun, onEvent, signal });
      if (events.some(({ outcome }) => !FINE.has(outcome))) process.exitCode = 1;
      if (json) printPlain(events);
      else if (events.length === 0) printLine(ink("nothing is due", "grey"));
      return;
    }
    if (!json)
      printLine(ink(`watches ${pipelines.map((each) => each.name).join(", ")}; Ctrl-C ends it`, "grey"));
    await orchestration.watch(pipelines, { everyMs: every * 1000, only, onEvent, signal });
  });
}

/** Another watcher does what waits. */
const FINE: ReadonlySet<WatchEvent["outcome"]> = new Set(["succeeded", "had", "passed", "waits", "due"]);

const INKS: Readonly<Record<WatchEvent["outcome"], Ink>> = {
  succeeded: "green",
  partial: "amber",
  failed: "red",
  stopped: "amber",
  had: "grey",
  passed: "amber",
  waits: "grey",
  due: "bold",
  error: "red",
};

function printEvent({ pipeline, trigger, at, outcome, run, error }: WatchEvent): void {
  const what = at === "" ? trigger : `${trigger}, ${at}`;
  const why = error === undefined ? "" : `: ${error.code}: ${error.message}`;
  printLine(`${ink(outcome, INKS[outcome])}  ${ink(pipeline, "bold")} ${run ?? ""}  ${what}${why}`);
}

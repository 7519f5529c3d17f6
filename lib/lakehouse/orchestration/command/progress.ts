import { duration, type Ink, ink, printLine } from "../../terminal/index.js";
import type { PipelineDefinition } from "../model/definition.js";
import type { Progress } from "../run/context.js";

/** Shows a run while it is at work. */
export interface ProgressView {
  readonly onProgress: (progress: Progress) => void;
  /** When the run has ended, whichever way. */
  end(): Promise<void>;
}

/** A tree that changes in place on a terminal that has room for it, else a line for each thing that happens. */
export async function progressView(
  { name, nodes }: PipelineDefinition,
  asJson: boolean,
): Promise<ProgressView> {
  if (asJson) return { onProgress: () => {}, end: async () => {} };
  const { stdout } = process;
  if (stdout.isTTY && nodes.length + 4 < (stdout.rows ?? 24)) {
    const { treeView } = await import("./tree.js");
    return treeView(
      name,
      nodes.map(({ step }) => step.name),
    );
  }
  return { onProgress: printProgress, end: async () => {} };
}

const INKS: Readonly<Record<string, Ink>> = {
  succeeded: "green",
  unchanged: "grey",
  skipped: "amber",
  stopped: "amber",
  running: "grey",
};

function printProgress({ event, step, attempt, outcome, durationMs, message }: Progress): void {
  if (event === "log") printLine(`${ink("log", "grey")}  ${step}: ${message}`);
  if (event === "start" && attempt === 1) printLine(`${ink("begins", "grey")}  ${step}`);
  if (event === "log" || event === "start") return;
  const word = event === "retry" ? `${outcome}, is tried again` : outcome;
  const why = message === undefined ? "" : `: ${message}`;
  printLine(
    `${ink(word, INKS[outcome] ?? "red")}  ${step}  ${durationMs > 0 ? duration(durationMs) : ""}${why}`,
  );
}

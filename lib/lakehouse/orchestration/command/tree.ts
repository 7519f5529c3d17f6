import { Listr, type ListrTaskWrapper } from "listr2";
import { duration, ink } from "../../terminal/index.js";
import type { Progress } from "../run/context.js";
import type { ProgressView } from "./progress.js";

// biome-ignore lint/suspicious/noExplicitAny: its renderers do not matter here
type Wrapper = ListrTaskWrapper<unknown, any, any>;

/** The pipeline with its steps below it, as Listr draws them. */
export function treeView(pipeline: string, steps: readonly string[]): ProgressView {
  const waits = new Map(steps.map((name) => [name, waitFor()]));
  const tree = new Listr(
    [
      {
        title: pipeline,
        task: (_, parent) =>
          parent.newListr(
            steps.map((name) => ({
              title: ink(name, "grey"),
              task: (_: unknown, wrapper: Wrapper) => {
                waits.get(name)?.begin(wrapper);
                return waits.get(name)?.done;
              },
            })),
            {
              concurrent: true,
              exitOnError: false,
              rendererOptions: { collapseSubtasks: false, collapseErrors: false },
            },
          ),
      },
    ],
    { exitOnError: false, registerSignalListeners: false },
  );
  const drawn = tree.run().catch(() => {});
  return {
    onProgress: (progress) => waits.get(progress.step)?.tell(progress),
    end: async () => {
      for (const wait of waits.values()) wait.end();
      await drawn;
    },
  };
}

/** What Listr waits for until a step has ended. */
function waitFor() {
  let wrapper: Wrapper | undefined;
  let resolve: () => void = () => {};
  let reject: (error: Error) => void = () => {};
  const done = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  done.catch(() => {});
  return {
    done,
    begin: (given: Wrapper) => {
      wrapper = given;
    },
    end: () => resolve(),
    tell: ({ event, step, attempt, outcome, durationMs, message }: Progress) => {
      if (wrapper === undefined) return;
      if (event === "log") wrapper.output = message ?? "";
      else if (event === "start") wrapper.title = attempt > 1 ? `${step}  try ${attempt}` : step;
      else if (event === "retry") wrapper.output = `${outcome}: ${message ?? ""}`;
      else if (outcome === "succeeded" || outcome === "unchanged") {
        wrapper.title = `${step}  ${ink(outcome === "unchanged" ? outcome : duration(durationMs), "grey")}`;
        resolve();
      } else if (outcome === "skipped" || outcome === "stopped") {
        wrapper.skip(`${step}  ${outcome}`);
        resolve();
      } else reject(new Error(`${step}  ${outcome}: ${message ?? ""}`));
    },
  };
}

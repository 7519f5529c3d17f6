import {
  columns,
  count,
  duration,
  ink,
  interruptible,
  ProgressLine,
  printJson,
  printLine,
} from "sololakehouse/terminal";
import { DRILL_ABOUT, type DrillName } from "../drills/about.js";
import { DRILLS, type DrillReport, holds } from "../drills/drill.js";
import { StackHome } from "../home.js";

/**
 * Makes a fault, and says whether what was acknowledged is there. Ends with 1 where it is not, and with 130 where Ctrl-C ended
 * it, which mends what it has done first.
 */
export const drillCommand = (name: DrillName, json: boolean): Promise<void> =>
  interruptible(async (signal) => {
    const progress = new ProgressLine();
    if (!json) progress.update(DRILL_ABOUT[name]);
    signal.addEventListener("abort", () => {
      if (!json) progress.update("ending the drill in order; Ctrl-C again leaves it as it is");
    });
    const drill = DRILLS[name](new StackHome(), signal).finally(() => progress.clear());
    const report = await drill.catch((error: Error) => {
      // What could not be mended is still to be known.
      if (signal.aborted && error !== signal.reason) console.error(error.message);
      throw error;
    });
    print(name, report, json);
  });

function print(name: DrillName, report: DrillReport, json: boolean): void {
  if (!holds(report)) process.exitCode = 1;
  if (json) {
    printJson({ drill: name, holds: holds(report), ...report });
    return;
  }
  const { acknowledged, unknown, told, lost, twice, strangers, recoveredMs, resumedMs } = report;
  const rows = [
    [holds(report) ? ink("✔", "green") : ink("✖", "red"), ink(name, "bold"), DRILL_ABOUT[name]],
    ["", "acknowledged", count(acknowledged, "entry", "entries")],
    ["", "not known", [count(unknown, "entry", "entries"), ...told].join("  ")],
    ["", "lost", String(lost.length)],
    ["", "there twice", String(twice.length)],
    ["", "written by nobody", String(strangers.length)],
    ["", "well again after", duration(recoveredMs)],
    ["", "acknowledging after", duration(resumedMs)],
  ];
  for (const line of columns(rows, "<<<")) printLine(line);
}

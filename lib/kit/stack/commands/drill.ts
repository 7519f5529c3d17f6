import { columns, count, duration, ink, ProgressLine, printJson, printLine } from "sololakehouse/terminal";
import { DRILL_ABOUT, type DrillName } from "../drills/about.js";
import { DRILLS, holds } from "../drills/drill.js";
import { StackHome } from "../home.js";

/** Makes a fault, and says whether what was acknowledged is there. Ends with 1 where it is not. */
export async function drillCommand(name: DrillName, json: boolean): Promise<void> {
  const progress = new ProgressLine();
  if (!json) progress.update(DRILL_ABOUT[name]);
  const report = await DRILLS[name](new StackHome()).finally(() => progress.clear());
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

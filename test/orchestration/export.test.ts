/** What is written for other schedulers; that they take it, test/interop holds for Dagster and Airflow. */
import { spawnSync } from "node:child_process";
import { definePipeline, onSnapshot, schedule, step } from "sololakehouse/orchestration";
import { describe, expect, test } from "vitest";
import { calendars } from "../../lib/lakehouse/orchestration/export/cron.js";
import { type ExportTarget, exportPipeline } from "../../lib/lakehouse/orchestration/export/export.js";
import { nextTick } from "../../lib/lakehouse/orchestration/model/trigger.js";
import { needs } from "../support/needs.js";

const steps = ["a b", "a.b", "a_b", "???", 'quote "it" \\ and \u{1f600}'].map((name) =>
  step({ name, run: () => 1 }),
);
const pipeline = definePipeline({
  name: "my-flights",
  steps,
  triggers: [
    schedule("0 6 * * Mon-Fri", { timezone: "Europe/Berlin" }),
    schedule("30 18 * * *", { timezone: "Europe/Berlin", catchUp: "all" }),
    onSnapshot("n.t"),
  ],
});
const textOf = (to: ExportTarget, at = 0): string =>
  exportPipeline(pipeline, to, { path: "/srv/it's 100%/slh.pipelines.mjs" })[at]?.text as string;

describe("an export", () => {
  test("to cron looks at the times of the schedules, and each minute for sensors", () => {
    const look = String.raw`cd '/srv/it'\''s 100\%' && slh pipeline watch my-flights --once --file slh.pipelines.mjs`;
    const lines = textOf("cron").split("\n");
    expect(lines.filter((line) => !line.startsWith("#"))).toEqual([
      "CRON_TZ=Europe/Berlin",
      `0 6 * * Mon-Fri ${look}`,
      `30 18 * * * ${look}`,
      "CRON_TZ=UTC",
      `* * * * * ${look}`,
      "",
    ]);
  });

  test("to systemd is a service and its timer", () => {
    expect(textOf("systemd")).toContain("WorkingDirectory=/srv/it's 100%%\n");
    expect(textOf("systemd")).toContain(
      'ExecStart=/bin/sh -c "exec slh pipeline watch my-flights --once --file slh.pipelines.mjs"\n',
    );
    expect(textOf("systemd", 1)).toContain(
      "OnCalendar=Mon,Tue,Wed,Thu,Fri *-*-* 6:0:00 Europe/Berlin\nOnCalendar=*-*-* 18:30:00 Europe/Berlin\nOnCalendar=*-*-* *:*:00\n",
    );
  });

  test("to Python has names of its own for all steps, and is read as what was meant", () => {
    const read = `import ast, json, sys
tree = ast.parse(sys.stdin.read())
found = {each.targets[0].id: ast.literal_eval(each.value) for each in tree.body if isinstance(each, ast.Assign) and getattr(each.targets[0], "id", None) in ("ASSETS", "TASKS")}
print(json.dumps(found))`;
    for (const [to, list, name] of [
      ["dagster", "ASSETS", "name"],
      ["airflow", "TASKS", "task"],
    ] as const) {
      const { stdout, stderr } = spawnSync("python3", ["-c", read], { input: textOf(to), encoding: "utf8" });
      expect(stderr).toBe("");
      const rows = JSON.parse(stdout)[list] as Record<string, string>[];
      expect(rows.map((row) => row.step)).toEqual(steps.map((each) => each.name));
      expect(rows.map((row) => row[name])).toEqual(["a_b", "a_b_2", "a_b_3", "step", "quote_it_and"]);
    }
  });

  test("to cron is refused where there would be nothing to do", () => {
    const idle = definePipeline({ name: "idle", steps });
    expect(() => exportPipeline(idle, "cron", { path: "/f.mjs" })).toThrow("nothing that begins its runs");
  });
});

const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;

test("systemd reads the same times", needs(hasSystemd, "systemd-analyze (Debian: systemd)"), () => {
  const from = Date.parse("2026-01-28T10:00:00Z");
  for (const cron of [
    "*/20 * * * *",
    "5 6,18 * * *",
    "0 9-17/2 * * Mon-Fri",
    "0 0 1 * *",
    "30 4 1,15 * *",
    "0 0 * jan,feb 0",
    "0 6 * * 5-7",
  ]) {
    const made = schedule(cron, { timezone: "Europe/Berlin" });
    const [calendar] = calendars(made) as [string];
    const { stdout } = spawnSync(
      "systemd-analyze",
      ["calendar", "--iterations=6", "--base-time=2026-01-28 10:00:00 UTC", calendar],
      { encoding: "utf8", env: { ...process.env, TZ: "UTC", LC_ALL: "C" } },
    );
    const found = [...stdout.matchAll(/(\d{4}-\d\d-\d\d) (\d\d:\d\d):00 UTC/g)].map(
      ([, day, time]) => `${day}T${time}`,
    );
    const wanted: string[] = [];
    for (let at = nextTick(made, from); wanted.length < 6 && at !== undefined; at = nextTick(made, at))
      wanted.push(new Date(at).toISOString().slice(0, 16));
    expect({ cron, found }).toEqual({ cron, found: wanted });
  }
});

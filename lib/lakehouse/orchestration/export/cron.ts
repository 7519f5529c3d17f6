import type { PipelineTrigger, Schedule } from "../model/trigger.js";
import type { Exported, ExportedFile } from "./export.js";
import { shellWord } from "./words.js";

/** What both call: one look at the triggers, which knows what has been run. */
const lookWords = ({ pipeline, file }: Exported): readonly string[] => [
  "pipeline",
  "watch",
  pipeline.name,
  "--once",
  "--file",
  file,
];

/** Lines of a crontab: cron says when to look, and the look says what is due, so that nothing is run twice or left out. */
export function cronFiles(exported: Exported): readonly ExportedFile[] {
  const { pipeline, folder, command } = exported;
  const words = `cd ${shellWord(folder)} && ${command} ${lookWords(exported).map(shellWord).join(" ")}`;
  // What follows a % would be the command's input.
  const line = words.replaceAll("%", "\\%");
  const zones = new Map<string, string[]>();
  for (const each of pipeline.triggers) {
    const { timezone, cron } = each.kind === "schedule" ? each : { timezone: "UTC", cron: "* * * * *" };
    zones.set(timezone, [...(zones.get(timezone) ?? []), cron]);
  }
  const lines = [...zones].flatMap(([zone, crons]) => [
    `CRON_TZ=${zone}`,
    ...[...new Set(crons)].map((cron) => `${cron} ${line}`),
  ]);
  const text = `# ${pipeline.name}, by slh pipeline export --to cron. A cron that does not know CRON_TZ (Debian's) looks at the times of the
# machine's own zone: what is due by then is run, and of a schedule that does not catch up, what is a minute late is not.
${lines.join("\n")}
`;
  return [{ name: `${pipeline.name}.cron`, text }];
}

/** A service that looks once, and a timer that calls it. */
export function systemdFiles(exported: Exported): readonly ExportedFile[] {
  const { pipeline, folder, command } = exported;
  const name = `slh-${pipeline.name}`;
  const shell = `${command} ${lookWords(exported).map(shellWord).join(" ")}`;
  const service = `# ${pipeline.name}, by slh pipeline export --to systemd
[Unit]
Description=Run what is due of the pipeline ${pipeline.name}

[Service]
Type=oneshot
WorkingDirectory=${unitText(folder)}
ExecStart=/bin/sh -c ${unitWord(`exec ${shell}`)}
`;
  const timer = `# ${pipeline.name}, by slh pipeline export --to systemd
[Unit]
Description=When to look what is due of the pipeline ${pipeline.name}

[Timer]
${[...new Set(pipeline.triggers.flatMap(calendars))].map((each) => `OnCalendar=${each}`).join("\n")}
AccuracySec=1s
Persistent=true

[Install]
WantedBy=timers.target
`;
  return [
    { name: `${name}.service`, text: service },
    { name: `${name}.timer`, text: timer },
  ];
}

/** In a unit, `%` begins what systemd fills in. */
const unitText = (text: string): string => text.replaceAll("%", "%%");

/** systemd.service(5): within quotes, `\` escapes and `$` begins a variable. */
const unitWord = (text: string): string =>
  `"${unitText(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("$", "$$$$")}"`;

/** Times as systemd.time(7) has them. Days of which either will do are two of them. */
export function calendars(trigger: PipelineTrigger): readonly string[] {
  if (trigger.kind === "sensor") return ["*-*-* *:*:00"];
  const [minute, hour, day, month, weekday] = trigger.cron.split(" ") as [
    string,
    string,
    string,
    string,
    string,
  ];
  const time = `${numbers(hour, 0, 23)}:${numbers(minute, 0, 59)}:00`;
  const months = numbers(month, 1, 12, MONTHS);
  const ofDay = (weekdays: string, days: string) =>
    `${weekdays}*-${months}-${days} ${time} ${zoneOf(trigger)}`;
  const weekdays = `${weekdayNames(weekday)} `;
  if (weekday === "*") return [ofDay("", numbers(day, 1, 31))];
  if (day === "*") return [ofDay(weekdays, "*")];
  return [ofDay("", numbers(day, 1, 31)), ofDay(weekdays, "*")];
}

const zoneOf = ({ timezone }: Schedule): string => timezone;

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/** The values of a field, in order; `*` for all. */
function numbers(field: string, low: number, high: number, names: readonly string[] = []): string {
  return field === "*" ? "*" : valuesOf(field, low, high, names).join(",");
}

function weekdayNames(field: string): string {
  const days = valuesOf(field, 0, 7, WEEKDAYS).map((each) => each % 7);
  return [...new Set(days)].map((each) => NAMES_OF_DAYS[each]).join(",");
}

const NAMES_OF_DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

function valuesOf(field: string, low: number, high: number, names: readonly string[]): number[] {
  const value = (text: string): number => {
    const at = names.indexOf(text.toUpperCase());
    return at < 0 ? Number(text) : at + low;
  };
  const found = new Set<number>();
  for (const part of field.split(",")) {
    const [range = "", by = "1"] = part.split("/");
    const [from = "", to = from] = range.split("-");
    const [first, last] = range === "*" ? [low, high] : [value(from), value(to)];
    for (let each = first; each <= last; each += Number(by)) found.add(each);
  }
  return [...found].sort((a, b) => a - b);
}

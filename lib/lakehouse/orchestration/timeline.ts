import type { RunDetails } from "./orchestration.js";
import type { AttemptRecord } from "./state/types.js";

const ROW = 26;
const LEFT = 220;
const WIDTH = 960;
const TOP = 56;

const COLOURS: Readonly<Record<string, string>> = {
  succeeded: "#2f7d4f",
  unchanged: "#8a9099",
  stopped: "#b7791f",
};
const FAILED = "#b3362b";
const RUNNING = "#3b6ea8";

/**
 * A run over time, as an SVG that stands alone: a row for each step, a bar for each try, coloured by how it ended, with its
 * words as a title.
 *
 * @param now where a try that has not ended yet ends: milliseconds since 1970.
 */
export function runTimeline(
  { pipeline, id, status, attempts, steps, startedAt, endedAt }: RunDetails,
  now = Date.now(),
): string {
  const tried = [...new Set(attempts.map(({ step }) => step))];
  const left = steps.map(({ name }) => name).filter((name) => !tried.includes(name));
  const rows = [...tried, ...left];
  const first = Math.min(startedAt, ...attempts.map((each) => each.startedAt));
  const ends = attempts.map((each) => each.endedAt ?? endedAt ?? now);
  const span = Math.max(1, Math.max(endedAt ?? first, ...ends) - first);
  const x = (at: number) => LEFT + ((at - first) / span) * (WIDTH - LEFT - 20);
  const bar = (each: AttemptRecord): string => {
    const outcome = each.outcome ?? "running";
    const end = each.endedAt ?? endedAt ?? now;
    const [from, to] = [x(each.startedAt), x(Math.max(end, each.startedAt))];
    const colour = COLOURS[outcome] ?? (outcome === "running" ? RUNNING : FAILED);
    const words = `${each.step}, try ${each.attempt}: ${outcome}, ${Math.max(0, end - each.startedAt)} ms`;
    return `<rect x="${round(from)}" y="${TOP + rows.indexOf(each.step) * ROW + 5}" width="${round(Math.max(2, to - from))}" height="${ROW - 10}" rx="2" fill="${colour}"><title>${escaped(words)}</title></rect>`;
  };
  const label = (name: string, i: number) => {
    const known = steps.find((each) => each.name === name)?.status ?? "";
    const said = known === "succeeded" ? "" : ` (${known})`;
    const shown = name.length + said.length > 34 ? `${name.slice(0, 33 - said.length)}…` : name;
    return `<text x="${LEFT - 10}" y="${TOP + i * ROW + 17}" text-anchor="end">${escaped(shown + said)}<title>${escaped(name)}</title></text>`;
  };
  const height = TOP + rows.length * ROW + 12;
  const ticks = Array.from({ length: 5 }, (_, i) => first + (span * i) / 4);
  const axis = ticks.map(
    (at) =>
      `<line x1="${round(x(at))}" x2="${round(x(at))}" y1="${TOP - 6}" y2="${height - 8}" stroke="#8a9099" stroke-opacity="0.35"/><text x="${round(x(at))}" y="${TOP - 12}" text-anchor="middle" font-size="12" fill="#5f6670">${secondsOf(at - first)}</text>`,
  );
  const title = `${pipeline}, run ${id}: ${status}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="${escaped(title)}">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    `<text x="12" y="22" font-size="15" font-weight="600">${escaped(title)}</text>`,
    ...axis,
    ...rows.map(label),
    ...attempts.map(bar),
    "</svg>",
    "",
  ].join("\n");
}

const round = (value: number): string => value.toFixed(1);

const secondsOf = (ms: number): string =>
  ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;

/** Texts of users in XML, which has no place for most control characters. */
function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd")
    .replace(/[&<>"]/g, (each) => `&#${each.codePointAt(0)};`);
}

import { CHANNELS, type Channel } from "../project/channels.js";
import type { PlanEntry } from "../project/plan.js";
import type { ProjectState } from "../project/state.js";
import { escapeHtml } from "../text/escape.js";

export const PROJECT_PAGE = "project.html";

/** Where the project stands, as the body of its page: promises, what comes next, and what is published where. */
export function projectHtml({ promises, current, next, nextContent, plan }: ProjectState): string {
  const kept = promises.map(
    (one) =>
      `<li class="${one.kept ? "kept" : "open"}"><strong>${escapeHtml(one.promise)}</strong> ` +
      `<span class="state">${one.kept ? "holds" : "not yet"}</span><br>${escapeHtml(one.evidence)}</li>`,
  );
  const coming = [
    ["Current milestone", current ? `${current.label}, ${current.title}` : "none: every milestone is done"],
    ...(next ? [["Next milestone", `${next.label}, ${next.title}`]] : []),
    [
      "Next to be published",
      nextContent
        ? `${nextContent.label} (${nextContent.title}), on ${CHANNELS[nextContent.channel].title}`
        : "nothing is ready",
    ],
  ];
  return [
    '<h2 id="promises">What it promises</h2>',
    `<ul class="promises">${kept.join("")}</ul>`,
    '<h2 id="next">What comes next</h2>',
    `<dl class="coming">${coming.map(([term, text]) => `<dt>${term}</dt><dd>${escapeHtml(String(text))}</dd>`).join("")}</dl>`,
    '<h2 id="published">What is out, and what is ready</h2>',
    planTable(plan),
  ].join("\n");
}

function planTable(plan: readonly PlanEntry[]): string {
  const channels = Object.keys(CHANNELS) as Channel[];
  const ids = [...new Set(plan.map(({ milestone }) => milestone))];
  const row = (id: string): string => {
    const own = plan.filter(({ milestone }) => milestone === id);
    const cells = channels.map(
      (channel) => `<td>${planCell(own.find((one) => one.channel === channel))}</td>`,
    );
    return `<tr><th scope="row">${escapeHtml(own[0]?.label ?? id)}</th>${cells.join("")}</tr>`;
  };
  const head = channels.map((channel) => `<th scope="col">${CHANNELS[channel].title}</th>`).join("");
  return (
    '<div class="table" role="region" aria-label="Milestones and channels" tabindex="0"><table>' +
    `<thead><tr><th scope="col">Milestone</th>${head}</tr></thead><tbody>${ids.map(row).join("")}</tbody></table></div>`
  );
}

function planCell(entry: PlanEntry | undefined): string {
  if (!entry) return "";
  const { state, url, date } = entry;
  return url && date ? `<a href="${escapeHtml(url)}">${date}</a>` : state;
}

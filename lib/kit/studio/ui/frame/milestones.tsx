/// <reference lib="dom" />
import type { MilestoneSummary } from "../../contract.js";
import { milestonesShown } from "../base/place.js";
import { useWatched } from "../base/watched.js";

const WORDS: Readonly<Record<string, string>> = {
  fresh: "outputs are fresh",
  stale: "outputs are older than the code",
  failed: "its last run failed",
  missing: "has not been run",
  planned: "planned",
};

/** The milestones with their state, as on the site. */
export function Milestones({
  all,
  current,
}: {
  readonly all: readonly MilestoneSummary[];
  readonly current: string | undefined;
}) {
  const isShown = useWatched(milestonesShown);
  return (
    <nav
      class={`side${isShown ? " shown" : ""}`}
      aria-label="Milestones"
      onKeyDown={({ key }) => {
        if (key === "Escape") milestonesShown.value = false;
      }}
    >
      <ol>
        {all.map((milestone) => {
          const { id, label, title, state } = milestone;
          return (
            <li key={id}>
              <a
                href={`#/${id}`}
                aria-current={id === current ? "page" : undefined}
                title={`${label} ${title}: ${WORDS[state]}`}
                onClick={() => {
                  milestonesShown.value = false;
                }}
              >
                <span class={`dot ${state}`} aria-hidden="true" />
                <span class="num">{/^M\d+$/.test(label) ? label : "·"}</span>
                <span class="name">
                  {title}
                  {milestone.isEdited && <span class="edited">edited</span>}
                </span>
                <span class="hidden">, {WORDS[state]}</span>
              </a>
            </li>
          );
        })}
      </ol>
    </nav>
  );
}

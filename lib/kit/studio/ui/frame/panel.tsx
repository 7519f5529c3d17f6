/// <reference lib="dom" />
import type { MilestoneSummary } from "../../contract.js";
import { Icon } from "../base/icons.js";
import { type PanelName, panel } from "../base/place.js";
import { Learn } from "../learn/learn.js";
import { See } from "../see/see.js";
import { Write } from "../write/write.js";

const TITLES: Readonly<Record<PanelName, string>> = { learn: "Learn", see: "Lakehouse", write: "Texts" };

interface PanelProps {
  readonly name: PanelName;
  readonly milestones: readonly MilestoneSummary[];
}

/** What stands beside the notebook. */
export function Panel({ name, milestones }: PanelProps) {
  return (
    <section class="panel" aria-label={TITLES[name]}>
      <header>
        <h2>{TITLES[name]}</h2>
        <button
          type="button"
          class="bare"
          aria-label={`Close ${TITLES[name]}`}
          onClick={() => {
            panel.value = "none";
          }}
        >
          <Icon name="close" size={16} />
        </button>
      </header>
      {name === "learn" && <Learn milestones={milestones} />}
      {name === "see" && <See />}
      {name === "write" && <Write />}
    </section>
  );
}

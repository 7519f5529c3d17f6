/// <reference lib="dom" />
import type { MilestoneSummary } from "../../contract.js";
import { Icon } from "../base/icons.js";
import { milestonesShown, type PanelName, panel } from "../base/place.js";
import { switchTheme } from "../base/theme.js";
import { useWatched } from "../base/watched.js";

const TABS: readonly (readonly [PanelName | "none", string])[] = [
  ["none", "Notebook"],
  ["learn", "Learn"],
  ["see", "Lakehouse"],
  ["write", "Texts"],
];

/** The bar on top: where you are, what stands beside the notebook, and the theme. */
export function Top({ current }: { readonly current: MilestoneSummary | undefined }) {
  const shown = useWatched(panel);
  const isOpen = useWatched(milestonesShown);
  return (
    <header class="top">
      <button
        type="button"
        class="bare narrow-only"
        aria-label="Milestones"
        aria-expanded={isOpen}
        onClick={() => {
          milestonesShown.value = !isOpen;
        }}
      >
        <Icon name="menu" />
      </button>
      <p class="brand">
        <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
          <path class="mark-a" d="M12 2 22 20H2z" />
          <path class="mark-b" d="M5.3 14h13.4" />
        </svg>
        <span class="name">SoloLakehouse</span>
        <span class="studio">Studio</span>
      </p>
      <p class="here" aria-hidden="true">
        {current && (
          <>
            <span class="num">{current.label}</span> {current.title}
          </>
        )}
      </p>
      <nav class="views" aria-label="Beside the notebook">
        {TABS.map(([name, title]) => (
          <button
            key={name}
            type="button"
            aria-pressed={shown === name}
            class={name === "none" ? "notebook-tab" : ""}
            onClick={() => {
              panel.value = name;
            }}
          >
            {title}
          </button>
        ))}
      </nav>
      <button
        type="button"
        class="bare"
        aria-label="Switch between light and dark"
        title="Switch between light and dark"
        onClick={switchTheme}
      >
        <Icon name="theme" />
      </button>
    </header>
  );
}

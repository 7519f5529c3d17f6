/// <reference lib="dom" />
import { Watched } from "./watched.js";

/** Where the reader is: a milestone, and perhaps a cell. The address says it: `#/m03/append`. */
export interface Place {
  readonly milestone: string | undefined;
  readonly cell?: string | undefined;
}

export type PanelName = "learn" | "see" | "write";

const PANELS: readonly PanelName[] = ["learn", "see", "write"];

function fromAddress(): Place {
  const [, milestone, cell] = location.hash.split("/");
  return { milestone: milestone || localStorage.getItem("milestone") || undefined, cell: cell || undefined };
}

export const place = new Watched<Place>(fromAddress());
addEventListener("hashchange", () => {
  // A link to a part of the page is none of the studio's places.
  if (location.hash.startsWith("#/")) place.value = fromAddress();
});
place.watch(() => {
  const { milestone, cell } = place.value;
  if (!milestone) return;
  localStorage.setItem("milestone", milestone);
  const hash = `#/${milestone}${cell ? `/${cell}` : ""}`;
  if (location.hash !== hash) history.replaceState(null, "", hash);
});

const stored = localStorage.getItem("panel") as PanelName | null;

/** What stands beside the notebook. */
export const panel = new Watched<PanelName | "none">(
  stored && PANELS.includes(stored) && innerWidth >= 1000 ? stored : "none",
);
panel.watch(() => localStorage.setItem("panel", panel.value));

/** The notebook comes to the front: where the screen is narrow, it is hidden behind the panel. */
export function showNotebook(): void {
  if (matchMedia("(max-width: 62rem)").matches) panel.value = "none";
}

export const panelFor = (name: PanelName | "none"): PanelName => (name === "none" ? "learn" : name);

/** Whether the milestones are shown where there is no room for them beside the notebook. */
export const milestonesShown = new Watched(false);

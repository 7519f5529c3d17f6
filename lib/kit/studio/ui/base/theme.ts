/// <reference lib="dom" />
import { Watched } from "./watched.js";

export type Theme = "light" | "dark";

const dark = matchMedia("(prefers-color-scheme: dark)");
const chosen = (): Theme | undefined => {
  const stored = localStorage.getItem("theme");
  return stored === "light" || stored === "dark" ? stored : undefined;
};

/** What is shown: the reader's choice, or else the system's. */
export const theme = new Watched<Theme>(chosen() ?? (dark.matches ? "dark" : "light"));

function apply(): void {
  const choice = chosen();
  if (choice) document.documentElement.dataset.theme = choice;
  else delete document.documentElement.dataset.theme;
  theme.value = choice ?? (dark.matches ? "dark" : "light");
}

export function startTheme(): void {
  apply();
  dark.addEventListener("change", apply);
}

export function switchTheme(): void {
  localStorage.setItem("theme", theme.value === "dark" ? "light" : "dark");
  apply();
}

/**
 * The tokens of the one look: colours for two themes and the type scale. Site, charts, diagrams, slides and social
 * images take their values from here and from nowhere else.
 */

export type Theme = "light" | "dark";

export const THEMES: readonly Theme[] = ["light", "dark"];

/** Colour roles, as `#RRGGBB`. A `…Text` role reads at 4.5:1 or more on paper, raised and wash; its twin is for marks. */
export interface Palette {
  /** The page. */
  readonly paper: string;
  /** Code, tables, cards: one step off the page. */
  readonly raised: string;
  /** The tint behind what is selected or under discussion. */
  readonly wash: string;
  /** Hairlines and borders; never text. */
  readonly line: string;
  readonly ink: string;
  readonly inkSoft: string;
  readonly inkFaint: string;
  /** Marks of everything that is not the point. */
  readonly grey: string;
  /** The accent: links, and the mark that is the point. */
  readonly ice: string;
  readonly iceText: string;
  /** Streams. */
  readonly teal: string;
  readonly tealText: string;
  /** Warnings. */
  readonly amber: string;
  readonly amberText: string;
  /** Failures. */
  readonly red: string;
  readonly redText: string;
  /** Passes. */
  readonly green: string;
  readonly greenText: string;
}

export type ColourRole = keyof Palette;

export const palettes: Readonly<Record<Theme, Palette>> = {
  light: {
    paper: "#FBFCFE",
    raised: "#F1F4F9",
    wash: "#E8EFFC",
    line: "#D8E0EA",
    ink: "#10233A",
    inkSoft: "#45566B",
    inkFaint: "#596879",
    grey: "#9AA7B5",
    ice: "#2F6FDE",
    iceText: "#2460C9",
    teal: "#0F8B8D",
    tealText: "#0B7173",
    amber: "#B26A00",
    amberText: "#945800",
    red: "#C23B3B",
    redText: "#B83434",
    green: "#2B8A3E",
    greenText: "#237434",
  },
  dark: {
    paper: "#0E1726",
    raised: "#162235",
    wash: "#182C4D",
    line: "#2A3A52",
    ink: "#E6EDF7",
    inkSoft: "#B3C0D2",
    inkFaint: "#93A3B8",
    grey: "#64748B",
    ice: "#6FA0F5",
    iceText: "#86B0F8",
    teal: "#3FB9BB",
    tealText: "#45C0C2",
    amber: "#DD9B3B",
    amberText: "#E5A549",
    red: "#E97878",
    redText: "#F08A8A",
    green: "#5DBB71",
    greenText: "#6CC97F",
  },
};

/** Families with their system fallbacks; sizes in px; line heights unitless; the measure in ch. */
export const type = {
  text: '"Inter", system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  code: '"JetBrains Mono", ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  sizes: { small: 14, body: 17, lead: 20, h3: 20, h2: 26, h1: 38 },
  lineHeight: 1.6,
  measure: 68,
} as const;

/** The tokens of a theme as CSS custom properties, one a line: `--ink-soft: #45566B;`. */
export function cssVariables(theme: Theme): string {
  return Object.entries(palettes[theme])
    .map(([role, hex]) => `--${role.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}: ${hex};`)
    .join("\n");
}

import { palettes, type Theme } from "./tokens.js";

/** ELK leaves wide gaps for edge labels, so a diagram is shown at half its size or less: text starts large. */
const NODE_SIZE = 24;

const ROLES = ["here", "store", "stream", "group", "note", "planned"];

/**
 * D2 source to put after a diagram's own: theme colours, ELK, and the classes that give a box its role.
 *
 * - `here`: the part under discussion ("you are here")
 * - `store`: bytes at rest; `stream`: the log; `group`: a frame around others; `note`: text without a box
 * - `planned`: not built yet
 */
export function diagramTheme(theme: Theme): string {
  const p = palettes[theme];
  // N1…N7 run from text to page; B1…B6 from strokes to the fills of ever deeper containers; the rest are accents.
  const roles: Record<string, string> = {
    N1: p.ink,
    N2: p.inkSoft,
    N3: p.inkFaint,
    N4: p.line,
    N5: p.line,
    N6: p.raised,
    N7: p.paper,
    B1: p.grey,
    B2: p.grey,
    B3: p.line,
    B4: p.raised,
    B5: p.raised,
    B6: p.raised,
    AA2: p.grey,
    AA4: p.raised,
    AA5: p.raised,
    AB4: p.raised,
    AB5: p.raised,
  };
  const overrides = Object.entries(roles).map(([role, hex]) => `${role}: "${hex}"`);
  const shape = (style: Record<string, string | number>) =>
    `{style: {${Object.entries(style)
      .map(([key, value]) => `${key}: ${typeof value === "string" ? `"${value}"` : value}`)
      .join("; ")}}}`;
  const box = { "font-size": NODE_SIZE, "border-radius": 6, "stroke-width": 1, "font-color": p.ink };
  return [
    `vars: {d2-config: {layout-engine: elk; theme-id: 0; pad: 16; theme-overrides: {${overrides.join("; ")}}}}`,
    "classes: {",
    `  here: ${shape({ ...box, fill: p.wash, stroke: p.ice, "stroke-width": 2, bold: "true" })}`,
    `  store: ${shape({ ...box, fill: p.raised, stroke: p.grey })}`,
    `  stream: ${shape({ ...box, fill: p.raised, stroke: p.teal, "stroke-width": 2 })}`,
    `  group: {label.near: top-left; ${shape({ "border-radius": 8, "stroke-width": 1, fill: p.paper, stroke: p.grey, "stroke-dash": 4, "font-color": p.inkSoft, "font-size": 22 }).slice(1)}`,
    `  planned: ${shape({ ...box, fill: p.paper, stroke: p.grey, "stroke-dash": 5, "font-color": p.inkSoft })}`,
    `  note: {shape: text; style: {font-color: "${p.inkSoft}"; font-size: 20}}`,
    "}",
    // A glob sets a box's own style, which beats its class: it must leave the boxes that have one alone.
    ...["*", "*.*", "*.*.*"].map(
      (depth) =>
        `${depth}: {${ROLES.map((role) => `!&class: ${role}`).join("; ")}; style: {border-radius: 6; stroke-width: 1; font-size: ${NODE_SIZE}}}`,
    ),
    `(** -> **)[*]: {style: {stroke: "${p.grey}"; stroke-width: 1; font-color: "${p.inkSoft}"; font-size: 22; italic: false}}`,
    "",
  ].join("\n");
}

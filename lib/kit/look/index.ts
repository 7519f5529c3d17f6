/**
 * The look: one set of tokens behind the site, charts, diagrams, slides and social images, in two themes.
 */
export { type ChartSpec, chartTheme, renderChart, withTheme } from "./charts.js";
export { type CommitGraphOptions, commitGraph, type ShownCommit } from "./commit-graph-chart.js";
export { contrastRatio } from "./contrast.js";
export { diagramTheme } from "./diagrams.js";
export { FONT_FACES, type FontFace, fontFile, trueType, woffToTrueType } from "./fonts.js";
export { type ColourRole, cssVariables, type Palette, palettes, THEMES, type Theme, type } from "./tokens.js";

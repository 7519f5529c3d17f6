import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Cache } from "../draw/cache.js";
import { COVER_ROOM, coverCard, SOCIAL_ROOM, socialCard, tableCard } from "../draw/cards.js";
import { type DiagramRenderer, readDiagram } from "../draw/diagrams.js";
import type { Pictures } from "../draw/pictures.js";
import { drawChart } from "../html/chart.js";
import { columnLabel, tableTexts } from "../html/table.js";
import type { Bound } from "../model/bind.js";
import { diagramOf, type MilestoneContent } from "../model/inputs.js";
import type { SiteSettings } from "../model/settings.js";
import { picturePath } from "../model/site-map.js";
import { postFront } from "../pieces/blog-front.js";
import { postImage } from "../pieces/linkedin.js";
import { parseSource } from "../text/source.js";
import { cardPicture } from "./card-picture.js";

/** What pictures are made with. */
export interface MediaTools {
  readonly cache: Cache;
  readonly pictures: Pictures;
  readonly diagrams: DiagramRenderer;
}

/** A file by name, ready to be written. */
export type Files = Map<string, Uint8Array | string>;

const CHART_WIDTH = 1200;
const DIAGRAM_WIDTH = 1600;

/** Every picture of a milestone: its diagrams in all their forms, figures and tables that posts show, cover, social image. */
export async function milestoneMedia(
  content: MilestoneContent,
  shown: readonly Bound[],
  tools: MediaTools,
  settings: SiteSettings,
): Promise<Files> {
  const files: Files = new Map();
  const { milestone, diagrams, recorded, pieces } = content;
  for (const path of diagrams) {
    const name = basename(path, ".d2");
    const drawn = await drawDiagram(readDiagram(path), path, tools.diagrams);
    for (const [variant, svg] of drawn) files.set(`${name}${variant}.svg`, svg);
    const light = drawn.get("-light");
    if (light) files.set(`${name}.png`, await tools.pictures.png(light, DIAGRAM_WIDTH));
  }

  const image = pieces.linkedin && postImage(pieces.linkedin);
  const figures = new Set(
    shown.flatMap((item) => (item.kind === "figure" && item.owner === content ? [item.figure.name] : [])),
  );
  if (image?.kind === "figure") figures.add(image.name);
  for (const name of figures) {
    const figure = recorded?.figures.get(name);
    if (!figure) continue;
    files.set(
      `figure-${name}.png`,
      await tools.pictures.png(await drawChart(tools.cache, figure.spec, "light"), CHART_WIDTH),
    );
  }
  for (const item of shown) {
    if (item.kind !== "table" || item.owner !== content) continue;
    const { table } = item;
    const card = tableCard({
      caption: table.caption,
      columns: table.columns.map((column) => ({ label: columnLabel(column), align: column.align })),
      rows: tableTexts(table),
    });
    files.set(`table-${table.name}.png`, await tools.pictures.card(card, 1000));
  }

  const title = pieces.blog ? postFront(pieces.blog).title || milestone.title : milestone.title;
  const common = { series: settings.title, label: milestone.label, number: milestone.number };
  const cover = { ...common, title, picture: await cardPicture(content, files, tools, COVER_ROOM) };
  files.set("cover.png", await tools.pictures.card(coverCard(cover), 1000, 420));
  const picture = await cardPicture(content, files, tools, SOCIAL_ROOM);
  const social = picture
    ? socialCard({ ...common, title: picture.title ?? milestone.title, picture })
    : coverCard({ ...common, title });
  files.set("social.png", await tools.pictures.card(social, 1200, 627));
  for (const [name, bytes] of ownPictures(content)) files.set(name, bytes);
  return files;
}

/** The four drawings of a diagram, by suffix. */
export async function drawDiagram(
  source: string,
  file: string,
  diagrams: DiagramRenderer,
): Promise<Map<string, string>> {
  const drawn = new Map<string, string>();
  for (const shape of ["wide", "tall"] as const) {
    for (const theme of ["light", "dark"] as const) {
      drawn.set(
        `${shape === "tall" ? "-tall" : ""}-${theme}`,
        await diagrams.render(source, file, theme, shape),
      );
    }
  }
  return drawn;
}

/** Pictures that lie beside a piece or the notebook, and that it shows. */
function ownPictures(content: MilestoneContent): Files {
  const { milestone, pieces, recorded } = content;
  const files: Files = new Map();
  const texts = recorded?.notebook.cells.filter(({ cell_type }) => cell_type === "markdown") ?? [];
  const sources = [...Object.values(pieces), ...texts.map(({ id, source }) => parseSource(source, id))];
  for (const source of sources) {
    for (const { image, href } of source.links) {
      const name = picturePath(href);
      if (!image || name === undefined || diagramOf(content, name)) continue;
      const path = join(milestone.folder, name);
      if (existsSync(path)) files.set(name, readFileSync(path));
    }
  }
  return files;
}

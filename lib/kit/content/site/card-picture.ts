import type { ChartSpec } from "../../look/index.js";
import type { Cache } from "../draw/cache.js";
import type { CardPicture } from "../draw/cards.js";
import { drawChart } from "../html/chart.js";
import type { MilestoneContent } from "../model/inputs.js";
import { postImage } from "../pieces/linkedin.js";
import type { Files, MediaTools } from "./media.js";

/** What a card leaves for its picture, in px, and how wide a chart is drawn for it: the narrower, the larger its text. */
export interface Room {
  readonly width: number;
  readonly height: number;
  readonly drawing: number;
}

/** In px: the least plot that shows something, and the least height of a bar with its gap. */
const LEAST_PLOT = { width: 140, height: 90 } as const;
const LEAST_STEP = 24;

/** The one picture of a card, drawn for its room: the chart or the diagram that the LinkedIn post names. */
export async function cardPicture(
  { pieces, recorded }: MilestoneContent,
  files: Files,
  tools: MediaTools,
  room: Room,
): Promise<(CardPicture & { readonly title?: string | undefined }) | undefined> {
  const image = pieces.linkedin && postImage(pieces.linkedin);
  const figure = image?.kind === "figure" ? recorded?.figures.get(image.name) : undefined;
  if (figure) {
    // The card carries the title; the chart need not repeat it.
    const { title: _, ...untitled } = figure.spec;
    const drawn = await drawChart(tools.cache, await shapeFor(room, untitled, tools.cache), "light");
    return { ...fit(await tools.pictures.png(drawn, 1400), room), title: figure.title };
  }
  const diagram = files.get("diagram.png");
  return diagram instanceof Uint8Array ? fit(diagram, room) : undefined;
}

/** As large as the room allows, in its own proportions. */
function fit(png: Uint8Array, room: Room): CardPicture {
  const { width, height } = pngSize(png);
  const scale = Math.min(room.width / width, room.height / height);
  return { png, width: Math.round(width * scale), height: Math.round(height * scale) };
}

/** A chart in the proportions of the room that it fills. One that is composed, or has a width of its own, stays as it is. */
async function shapeFor(room: Room, spec: ChartSpec, cache: Cache): Promise<ChartSpec> {
  const composed = ["hconcat", "vconcat", "concat", "facet", "repeat"].some((key) => key in spec);
  if (composed || spec.width !== undefined) return spec;
  const size = async (height: unknown) =>
    svgSize(await drawChart(cache, { ...spec, width: 200, height }, "light"));
  const isBanded = typeof spec.height === "object";
  // Two drawings tell how many bands there are, and what labels and axes take beside the plot.
  const low = await size(isBanded ? { step: 20 } : 200);
  const bands = isBanded ? ((await size({ step: 30 })).height - low.height) / 10 : 0;
  const beside = low.width - 200;
  const above = low.height - (isBanded ? bands * 20 : 200);
  const aspect = room.width / room.height;
  const height = Math.max(room.drawing / aspect - above, bands * LEAST_STEP, LEAST_PLOT.height);
  const width = Math.max((height + above) * aspect - beside, LEAST_PLOT.width);
  return { ...spec, width: Math.round(width), height: Math.round(height) };
}

function svgSize(svg: string): { width: number; height: number } {
  const side = (name: string) => Number(new RegExp(`<svg[^>]*? ${name}="([\\d.]+)"`).exec(svg)?.[1] ?? 0);
  return { width: side("width"), height: side("height") };
}

/** Width and height from the IHDR chunk (PNG, section 11.2.1). */
function pngSize(png: Uint8Array): { width: number; height: number } {
  const view = new DataView(png.buffer, png.byteOffset);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

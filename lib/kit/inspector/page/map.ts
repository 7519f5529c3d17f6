/// <reference lib="dom" />
import { squarify } from "../treemap.js";
import { bytes, element, share } from "./dom.js";

/** One tile of the map: a column, whose dictionary is a part of it, or what belongs to no column. */
export interface Part {
  readonly name: string;
  readonly size: number;
  readonly dictionary: number;
  readonly kind: "column" | "footer" | "other";
}

/** Smaller ones are one tile together. */
const MOST_TILES = 60;
/** Width of the map by its height, on a screen that is wide, and on a phone. */
const ASPECTS = { wide: 2, narrow: 1 } as const;

/**
 * Where the bytes are, as a picture: the table beside it says the same in numbers, so that to who cannot see it, it is one
 * picture with a text.
 */
export function treemap(given: readonly Part[], whole: number): HTMLElement {
  const parts = merged(given.filter(({ size }) => size > 0).sort((a, b) => b.size - a.size));
  const largest = parts
    .slice(0, 3)
    .map(({ name, size }) => `${name} ${share(size, whole)}`)
    .join(", ");
  const box = element("div", {
    class: "treemap",
    role: "img",
    "aria-label": `The bytes of the file as areas. The largest: ${largest}. The table below has them all.`,
  });
  const draw = () => {
    const aspect = ASPECTS[box.clientWidth < 560 ? "narrow" : "wide"];
    box.style.aspectRatio = String(aspect);
    const [width, height] = [box.clientWidth, box.clientWidth / aspect];
    const tiles = squarify(
      parts.map(({ size }) => size),
      aspect,
    );
    box.replaceChildren(
      ...parts.map((part, i) => {
        const tile = tiles[i] ?? { x: 0, y: 0, width: 0, height: 0 };
        const made = element("div", { class: `tile ${part.kind}`, title: tileText(part, whole) });
        for (const [side, value] of Object.entries({
          left: tile.x,
          top: tile.y,
          width: tile.width,
          height: tile.height,
        }))
          made.style.setProperty(side, `${(value * 100).toFixed(3)}%`);
        if (part.dictionary > 0) {
          const dictionary = element("div", { class: "dictionary" });
          dictionary.style.height = `${(100 * part.dictionary) / part.size}%`;
          made.append(dictionary);
        }
        const [across, down] = [tile.width * width, tile.height * height];
        if (across > 48 && down > 24) {
          const label = element("span", { class: "name" }, part.name);
          if (down > 44 && across > 74) label.append(element("small", {}, bytes(part.size)));
          made.append(label);
        }
        return made;
      }),
    );
  };
  let last = 0;
  new ResizeObserver(() => {
    if (box.clientWidth === last) return;
    last = box.clientWidth;
    draw();
  }).observe(box);
  return box;
}

function merged(parts: readonly Part[]): Part[] {
  const small = parts.slice(MOST_TILES);
  if (small.length === 0) return [...parts];
  const sum = (of: (part: Part) => number) => small.reduce((total, part) => total + of(part), 0);
  const rest = { size: sum(({ size }) => size), dictionary: sum(({ dictionary }) => dictionary) };
  return [...parts.slice(0, MOST_TILES), { name: `${small.length} smaller`, kind: "column", ...rest }];
}

function tileText({ name, size, dictionary }: Part, whole: number): string {
  const of = dictionary > 0 ? `, of which ${bytes(dictionary)} are its dictionary` : "";
  return `${name}: ${bytes(size)}, ${share(size, whole)} of the file${of}`;
}

import { palettes } from "../../look/index.js";

/** What satori lays out: the shape of a React element. */
export interface CardElement {
  readonly type: string;
  readonly props: Readonly<Record<string, unknown>> & {
    readonly children?: readonly (CardElement | string)[] | string | undefined;
  };
}

const light = palettes.light;

type Style = Readonly<Record<string, string | number>>;

function box(style: Style, ...children: readonly (CardElement | string)[]): CardElement {
  return { type: "div", props: { style: { display: "flex", boxSizing: "border-box", ...style }, children } };
}

function text(content: string, style: Style): CardElement {
  return { type: "div", props: { style, children: content } };
}

/** Twelve dots, the milestone's own in ice: where in the kit one is. All are grey for one without a number. */
function position(number: number | undefined): CardElement {
  const dots = Array.from({ length: 12 }, (_, index) =>
    box({
      width: index === number ? 28 : 8,
      height: 8,
      borderRadius: 4,
      backgroundColor: index === number ? light.ice : light.line,
    }),
  );
  return box({ gap: 8, alignItems: "center" }, ...dots);
}

/** A picture on a card, in px of the card. */
export interface CardPicture {
  readonly png: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** What the cards leave for their picture, in px, and how wide a chart is drawn for that: less is larger text. */
export const COVER_ROOM = { width: 400, height: 316, drawing: 300 } as const;
export const SOCIAL_ROOM = { width: 1100, height: 420, drawing: 450 } as const;

function image({ png, width, height }: CardPicture): CardElement {
  return {
    type: "img",
    props: { src: `data:image/png;base64,${Buffer.from(png).toString("base64")}`, width, height },
  };
}

/** A cover for blog platforms: series, title and position, and a picture beside them. Made for 1000 x 420. */
export function coverCard(card: {
  series: string;
  label: string;
  title: string;
  number?: number | undefined;
  picture?: CardPicture | undefined;
}): CardElement {
  const large = card.picture ? 40 : 56;
  return box(
    {
      width: "100%",
      height: "100%",
      padding: "44px 40px 44px 48px",
      gap: 28,
      backgroundColor: light.paper,
      borderTop: `8px solid ${light.ice}`,
      fontFamily: "Inter",
    },
    box(
      { flexGrow: 1, flexBasis: 0, flexDirection: "column", justifyContent: "space-between" },
      box(
        { gap: 16, fontSize: 22 },
        text(card.series, { fontWeight: 600, color: light.ink }),
        text(card.label, { fontFamily: "JetBrains Mono", color: light.iceText }),
      ),
      text(card.title, {
        fontSize: card.title.length > 56 ? large - 4 : large,
        fontWeight: 700,
        lineHeight: 1.18,
        letterSpacing: -1,
        color: light.ink,
      }),
      position(card.number),
    ),
    ...(card.picture ? [box({ alignItems: "center" }, image(card.picture))] : []),
  );
}

/** A social image: one picture under its title. Made for 1200 x 627. */
export function socialCard(card: {
  series: string;
  label: string;
  title: string;
  number?: number | undefined;
  picture: CardPicture;
}): CardElement {
  return box(
    {
      width: "100%",
      height: "100%",
      flexDirection: "column",
      padding: "36px 50px 32px",
      backgroundColor: light.paper,
      borderTop: `8px solid ${light.ice}`,
      fontFamily: "Inter",
    },
    text(card.title, {
      fontSize: card.title.length > 48 ? 36 : 42,
      fontWeight: 700,
      lineHeight: 1.2,
      letterSpacing: -0.8,
      color: light.ink,
    }),
    box({ flexGrow: 1, alignItems: "center", justifyContent: "center" }, image(card.picture)),
    box(
      { justifyContent: "space-between", alignItems: "center", fontSize: 20, color: light.inkSoft },
      box(
        { gap: 16 },
        text(card.series, { fontWeight: 600, color: light.ink }),
        text(card.label, { fontFamily: "JetBrains Mono", color: light.iceText }),
      ),
      position(card.number),
    ),
  );
}

/** A table as a picture, for the platforms that have none. Cells are already written out. */
export function tableCard(table: {
  caption?: string | undefined;
  columns: readonly { label: string; align: "left" | "right" }[];
  rows: readonly (readonly string[])[];
}): CardElement {
  // Columns share the width by the longest text that each holds.
  const weights = table.columns.map(({ label }, index) =>
    Math.max(label.length, ...table.rows.map((row) => row[index]?.length ?? 0), 4),
  );
  const line = (cells: readonly string[], style: Style) =>
    box(
      { borderBottom: `1px solid ${light.line}`, padding: "10px 4px", gap: 24, ...style },
      ...cells.map((cell, index) =>
        box(
          {
            flexGrow: weights[index] ?? 1,
            flexBasis: 0,
            justifyContent: table.columns[index]?.align === "right" ? "flex-end" : "flex-start",
          },
          text(cell, {}),
        ),
      ),
    );
  return box(
    {
      width: "100%",
      flexDirection: "column",
      padding: 28,
      backgroundColor: light.paper,
      color: light.ink,
      fontFamily: "Inter",
      fontSize: 20,
    },
    ...(table.caption ? [text(table.caption, { fontWeight: 600, marginBottom: 10 })] : []),
    line(
      table.columns.map(({ label }) => label),
      { color: light.inkSoft, fontWeight: 600, fontSize: 18 },
    ),
    ...table.rows.map((row) => line(row, {})),
  );
}

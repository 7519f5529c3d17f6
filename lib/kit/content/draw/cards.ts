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

/** Twelve dots, the milestone's own in ice: where in the kit one is. */
function position(number: number): CardElement {
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

/** A cover for blog platforms: series, title, position. Made for 1000 x 420. */
export function coverCard(card: {
  series: string;
  label: string;
  title: string;
  number: number;
}): CardElement {
  return box(
    {
      width: "100%",
      height: "100%",
      flexDirection: "column",
      justifyContent: "space-between",
      padding: "52px 60px",
      backgroundColor: light.paper,
      borderTop: `8px solid ${light.ice}`,
      fontFamily: "Inter",
    },
    box(
      { justifyContent: "space-between", fontSize: 22, color: light.inkSoft },
      text(card.series, { fontWeight: 600, color: light.ink }),
      text(card.label, { fontFamily: "JetBrains Mono", color: light.iceText }),
    ),
    text(card.title, {
      fontSize: card.title.length > 64 ? 46 : 56,
      fontWeight: 700,
      lineHeight: 1.15,
      letterSpacing: -1.2,
      color: light.ink,
    }),
    position(card.number),
  );
}

/** A social image: one picture under its title. Made for 1200 x 627. */
export function socialCard(card: {
  series: string;
  label: string;
  title: string;
  number: number;
  picture: { png: Uint8Array; width: number; height: number };
}): CardElement {
  const scale = Math.min(1088 / card.picture.width, 392 / card.picture.height);
  return box(
    {
      width: "100%",
      height: "100%",
      flexDirection: "column",
      padding: "40px 56px 36px",
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
    box(
      { flexGrow: 1, alignItems: "center", justifyContent: "center" },
      {
        type: "img",
        props: {
          src: `data:image/png;base64,${Buffer.from(card.picture.png).toString("base64")}`,
          width: Math.round(card.picture.width * scale),
          height: Math.round(card.picture.height * scale),
        },
      },
    ),
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

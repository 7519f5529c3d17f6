/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

type Child = Node | string;

/** An element with attributes and children. Text is only ever set as text. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string | undefined>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    if (value !== undefined) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** The element of the page's template with that id. */
export function byId<Type extends HTMLElement = HTMLElement>(id: string): Type {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element #${id}.`);
  return found as Type;
}

export interface Column<Row> {
  readonly label: string;
  readonly number?: boolean;
  readonly cell: (row: Row) => Child;
}

/** A table that scrolls in its own box, cut to so many rows until a button asks for the rest. */
export function table<Row>(
  caption: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  most = 100,
): HTMLElement {
  const attributes = (number = false) => (number ? { class: "number" } : {});
  const head = columns.map(({ label, number }) =>
    element("th", { ...attributes(number), scope: "col" }, label),
  );
  const body = element("tbody");
  const add = (some: readonly Row[]) =>
    body.append(
      ...some.map((row) =>
        element(
          "tr",
          {},
          ...columns.map(({ number, cell }, index) =>
            element(
              index === 0 ? "th" : "td",
              { ...attributes(number), ...(index === 0 ? { scope: "row" } : {}) },
              cell(row),
            ),
          ),
        ),
      ),
    );
  add(rows.slice(0, most));
  const whole = element(
    "table",
    {},
    element("caption", {}, caption),
    element("thead", {}, element("tr", {}, ...head)),
    body,
  );
  const box = element("div", { class: "table", tabindex: "0", role: "region", "aria-label": caption }, whole);
  if (rows.length <= most) return box;
  const more = element("button", { type: "button", class: "plain" }, `Show all ${count(rows.length)}`);
  more.addEventListener("click", () => {
    add(rows.slice(most));
    more.remove();
    box.focus();
  });
  return element("div", {}, box, more);
}

export const shortened = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most)}…` : text;

export const count = (value: number | bigint): string => value.toLocaleString("en-US");

/** `532 bytes`, `66.8 kB`, `1.31 MB`: decimal units, three digits. */
export function bytes(size: number): string {
  const unit = Math.min(4, Math.floor(Math.log10(Math.max(1, size)) / 3));
  if (unit === 0) return `${count(size)} ${size === 1 ? "byte" : "bytes"}`;
  const value = size / 1000 ** unit;
  return `${value >= 100 ? Math.round(value) : value.toPrecision(3)} ${["", "kB", "MB", "GB", "TB"][unit]}`;
}

/** A part of a whole: `38.5%`, `under 0.1%`. */
export function share(part: number, whole: number): string {
  const percent = whole === 0 ? 0 : (100 * part) / whole;
  return percent > 0 && percent < 0.1 ? "under 0.1%" : `${percent.toFixed(1)}%`;
}

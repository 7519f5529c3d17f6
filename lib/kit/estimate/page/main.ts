/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { estimates, withUnit } from "../estimates.js";
import { inShort, loadsHtml, resultsHtml } from "../html.js";
import { ASSUMPTIONS, type Assumption, type AssumptionId, type Moved, PETABYTE } from "../model.js";

/** The element of the page's template with that id. */
const byId = (id: string): HTMLElement => {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element #${id}.`);
  return found;
};
const [results, parts, status, command] = ["results", "parts", "in-short", "command"].map(byId) as [
  HTMLElement,
  HTMLElement,
  HTMLElement,
  HTMLElement,
];

const STEPS = 1000;

/** A slider's place for a value: by factors where there is a least one, by differences from zero on. */
const toPlace = ({ least, most }: Assumption, value: number): number =>
  Math.round(
    STEPS * (least > 0 ? Math.log(value / least) / Math.log(most / least) : (value - least) / (most - least)),
  );
/** Two digits are as many as a slider can tell apart; its ends are the least and the most. */
const fromPlace = ({ least, most }: Assumption, place: number): number => {
  const value = least > 0 ? least * (most / least) ** (place / STEPS) : (most * place) / STEPS;
  return Math.min(most, Math.max(least, Number(value.toPrecision(2))));
};

/** What a reader has written that is no value of its assumption. */
const wrong = new Set<Assumption>();
let moved: Moved = {};

/** A field and a slider for an assumption, which follow each other. */
interface Control {
  readonly assumption: Assumption & { readonly id: AssumptionId };
  readonly field: HTMLInputElement;
  readonly slider: HTMLInputElement;
  readonly reading: HTMLElement;
}

const controls: readonly Control[] = ASSUMPTIONS.map((assumption) => {
  const box = byId(`assumption-${assumption.id}`);
  const reading = box.querySelector("strong") as HTMLElement;
  const name = box.querySelector("span") as HTMLElement;
  name.id = `name-${assumption.id}`;
  const field = made({ type: "text", inputmode: "decimal", "aria-labelledby": name.id });
  const slider = made({
    type: "range",
    min: "0",
    max: String(STEPS),
    "aria-label": `${assumption.label}, by a slider`,
  });
  reading.before(field);
  box.append(slider);
  const control = { assumption, field, slider, reading };
  field.addEventListener("input", () => change(control, read(field.value)));
  slider.addEventListener("input", () => {
    const value = fromPlace(assumption, Number(slider.value));
    field.value = grouped(value);
    change(control, value);
  });
  return control;
});

function made(attributes: Readonly<Record<string, string>>): HTMLInputElement {
  const input = document.createElement("input");
  for (const [key, value] of Object.entries(attributes)) input.setAttribute(key, value);
  return input;
}

/** As a field shows it: `100,000,000`. */
const grouped = (value: number): string => value.toLocaleString("en-US", { maximumFractionDigits: 12 });

/** What somebody has typed: `100,000,000`, `100000000` or `1e8`. A comma that groups no thousands makes it no number. */
function read(text: string): number {
  const typed = text.trim();
  if (typed === "") return Number.NaN;
  return Number(/^\d{1,3}(,\d{3})+(\.\d*)?$/.test(typed) ? typed.replaceAll(",", "") : typed);
}

/** As the command takes it: `34e9` where a number is long, and else its digits. */
const written = (value: number): string =>
  value >= 1e7 ? value.toExponential().replace("+", "") : String(value);

/** Takes a value, or says what would be one. */
function change({ assumption, field, slider }: Control, value: number): void {
  const { id, least, most } = assumption;
  const isValue = value >= least && value <= most;
  if (isValue) {
    wrong.delete(assumption);
    slider.value = String(toPlace(assumption, value));
    const others = Object.fromEntries(Object.entries(moved).filter(([name]) => name !== id)) as Moved;
    moved = value === assumption.value ? others : { ...others, [id]: value };
  } else wrong.add(assumption);
  field.setAttribute("aria-invalid", String(!isValue));
  show();
}

/** Puts every field to what it is for these assumptions. */
function set(values: Moved): void {
  wrong.clear();
  moved = values;
  for (const { assumption, field, slider } of controls) {
    const value = values[assumption.id] ?? assumption.value;
    field.value = grouped(value);
    field.setAttribute("aria-invalid", "false");
    slider.value = String(toPlace(assumption, value));
  }
  show();
}

function show(): void {
  const [off] = wrong;
  if (off) {
    status.textContent = `${off.label}: give a number from ${withUnit(off.least, "")} to ${withUnit(off.most, off.unit)}. What is shown is for the last one.`;
    return;
  }
  const found = estimates(moved);
  for (const { assumption, reading } of controls) {
    const { id, value, unit } = assumption;
    reading.textContent = withUnit(moved[id] ?? value, unit);
    reading.classList.toggle("moved", moved[id] !== undefined);
  }
  results.innerHTML = resultsHtml(found);
  parts.innerHTML = loadsHtml(found);
  status.textContent = inShort(found);
  const words = Object.entries(moved).map(([name, value]) => `${name}=${written(value)}`);
  command.textContent = ["slh interview estimate", ...words].join(" ");
}

/** Assumptions that a link has moved: `?rows_a_day=1e9&writers=50`. What is none of them is passed over. */
function fromAddress(): Moved {
  const given = new URLSearchParams(location.search);
  return Object.fromEntries(
    ASSUMPTIONS.flatMap(({ id, least, most }) => {
      const value = Number(given.get(id) ?? Number.NaN);
      return value >= least && value <= most ? [[id, value]] : [];
    }),
  ) as Moved;
}

byId("petabyte").addEventListener("click", () => set(PETABYTE));
byId("defaults").addEventListener("click", () => set({}));
set(fromAddress());

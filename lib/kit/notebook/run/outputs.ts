import { pathToFileURL } from "node:url";
import type { DisplayDataOutput, MimeBundle, Output } from "../file/nbformat.js";

/**
 * Gathers what cells put out, in the order in which it came. Neighbouring pieces of one stream become one output,
 * and paths of this machine lose the part that leads to the project, so that two machines give the same bytes.
 */
export class OutputCollector {
  readonly #cells: Output[][];
  readonly #displays = new Map<string, { cell: number; index: number }>();
  readonly #root: string;
  readonly #rootUrl: string;

  constructor(cells: number, root: string) {
    this.#cells = Array.from({ length: cells }, () => []);
    this.#root = root;
    this.#rootUrl = pathToFileURL(root).href;
  }

  add(cell: number, raw: Output, displayId?: string): void {
    const outputs = this.#cells[cell];
    if (!outputs) return;
    const output = this.#portable(raw);
    const last = outputs.at(-1);
    if (output.output_type === "stream" && last?.output_type === "stream" && last.name === output.name) {
      outputs[outputs.length - 1] = { ...last, text: last.text + output.text };
      return;
    }
    outputs.push(output);
    if (displayId !== undefined) this.#displays.set(displayId, { cell, index: outputs.length - 1 });
  }

  /** Replaces what a display showed before. */
  update(displayId: string, data: MimeBundle, metadata: Readonly<Record<string, unknown>>): void {
    const place = this.#displays.get(displayId);
    const outputs = place && this.#cells[place.cell];
    if (!outputs) return;
    const output: DisplayDataOutput = { output_type: "display_data", data, metadata };
    outputs[place.index] = this.#portable(output);
  }

  /** The outputs of a cell; `count` is the number that its result carries. */
  of(cell: number, count: number | null): Output[] {
    return (this.#cells[cell] ?? []).map((output) =>
      output.output_type === "execute_result" ? { ...output, execution_count: count } : output,
    );
  }

  #portable<T extends Output>(output: T): T {
    return this.#withoutRoot(output) as T;
  }

  #withoutRoot(value: unknown): unknown {
    if (typeof value === "string") {
      if (!value.includes(this.#root)) return value;
      return value
        .replaceAll(this.#rootUrl, "file:///sololakehouse")
        .replaceAll(this.#root, "/sololakehouse");
    }
    if (Array.isArray(value)) return value.map((item) => this.#withoutRoot(item));
    if (value !== null && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#withoutRoot(item)]));
    }
    return value;
  }
}

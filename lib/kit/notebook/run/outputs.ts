import { pathToFileURL } from "node:url";
import type { DisplayDataOutput, MimeBundle, Output, StreamOutput } from "../file/nbformat.js";
import { cutBundle, LongText } from "./limits.js";
import { terminalText } from "./terminal-text.js";

/**
 * Gathers what cells put out, in the order in which it came. Neighbouring pieces of one stream become one output,
 * and paths of this machine lose the part that leads to the project, so that two machines give the same bytes.
 */
export class OutputCollector {
  readonly #cells: Output[][];
  /** What each stream's output holds, as long as it grows. */
  readonly #streams = new Map<StreamOutput, LongText>();
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
    if (output.output_type === "stream") {
      const stream = this.#streams.get(last as StreamOutput) ?? undefined;
      if (last?.output_type === "stream" && last.name === output.name && stream) {
        stream.add(output.text);
        return;
      }
      const started = { ...output, text: "" };
      const text = new LongText();
      text.add(output.text);
      this.#streams.set(started, text);
      outputs.push(started);
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
    return (this.#cells[cell] ?? []).map((output) => this.#finished(output, count));
  }

  #finished(output: Output, count: number | null): Output {
    switch (output.output_type) {
      case "stream":
        return { ...output, text: terminalText(this.#streams.get(output)?.whole() ?? output.text) };
      case "execute_result":
        return { ...output, data: cutBundle(output.data), execution_count: count };
      case "display_data":
        return { ...output, data: cutBundle(output.data) };
      case "error":
        return output;
    }
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

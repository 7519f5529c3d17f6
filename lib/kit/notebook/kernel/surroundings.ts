import { Readable } from "node:stream";
import { inspect } from "node:util";
import { Worker } from "node:worker_threads";
import { builtModule } from "./built.js";

/** Ends this process, and all that cells started, when another is gone: the one that it works for. */
export function endWith(pid: number): void {
  new Worker(builtModule("orphan"), { workerData: pid, execArgv: [], env: {} }).unref();
}

/** A cell that asks a question would wait for an answer that cannot come: it fails at once instead. */
export function refuseInput(): void {
  const refuse = (): never => {
    const error = new Error(
      "The cell waits for input, and a notebook has no keyboard. Write the answer into the cell, or take it from an environment variable.",
    );
    error.name = "NoInput";
    throw error;
  };
  class NoInput extends Readable {
    readonly isTTY = false;
    readonly fd = 0;
    override resume = refuse;
    override read = refuse;
    override pipe = refuse;
    override [Symbol.asyncIterator] = refuse;
    setRawMode = refuse;
  }
  const input = new NoInput();
  const on = input.on.bind(input);
  input.on = ((event: string, listener: () => void) =>
    event === "data" || event === "readable" ? refuse() : on(event, listener)) as typeof input.on;
  Object.defineProperty(process, "stdin", { configurable: true, enumerable: true, get: () => input });
}

/** The value of a cell, as a notebook shows it. */
export const textOf = (value: unknown): string => (typeof value === "string" ? value : inspect(value));

/**
 * Following what a cell does late leaves numbers of Node's own in promises and timers. They are taken out of sight where
 * a value is shown.
 */
export function hideTraces(): void {
  const INTERNAL = /async_id|trigger_async_id|kResourceStore|destroyed/;
  const timer = setTimeout(() => {}, 0);
  clearTimeout(timer);
  const immediate = setImmediate(() => {});
  clearImmediate(immediate);
  for (const prototype of [
    Promise.prototype,
    Object.getPrototypeOf(timer),
    Object.getPrototypeOf(immediate),
  ]) {
    const before = prototype[inspect.custom] as ((...given: unknown[]) => unknown) | undefined;
    Object.defineProperty(prototype, inspect.custom, {
      configurable: true,
      value(this: object, ...given: unknown[]) {
        for (const symbol of Object.getOwnPropertySymbols(this)) {
          const property = Object.getOwnPropertyDescriptor(this, symbol);
          if (INTERNAL.test(symbol.description ?? "") && property?.configurable && property.enumerable)
            Object.defineProperty(this, symbol, { ...property, enumerable: false });
        }
        // Node goes on as without this function when it gives the value itself.
        return before ? before.apply(this, given) : this;
      },
    });
  }
}

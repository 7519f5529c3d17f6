import { isLakehouseError } from "../errors.js";
import type { EventChannel } from "./channel.js";
import { beginSpan, endSpan, finishedSpans, inSpan, type OpenSpan } from "./span.js";

/** How some work ended. */
export interface Ending<Result> {
  /** `ok`; else the code of the error, or `error` for one without. */
  readonly outcome: string;
  readonly milliseconds: number;
  /** What the work gave; undefined where it failed. */
  readonly result: Result | undefined;
}

/**
 * Does some work and publishes how it ended; what is observed within is part of its span. While nobody listens it only does
 * the work.
 *
 * @param event what is told; undefined for nothing, of work that failed, say.
 */
export function observe<Event extends object, Result>(
  channel: EventChannel<Event>,
  work: () => Promise<Result>,
  event: (ending: Ending<Result>) => Event | undefined,
): Promise<Result> {
  return isWatched(channel) ? observeWork(channel, work, event) : work();
}

/** Whether anybody listens to what a channel tells, be it as events or as spans. */
export function isWatched(channel: { readonly hasSubscribers: boolean }): boolean {
  return channel.hasSubscribers || finishedSpans.hasSubscribers;
}

function observeWork<Event extends object, Result>(
  channel: EventChannel<Event>,
  work: () => Promise<Result>,
  event: (ending: Ending<Result>) => Event | undefined,
): Promise<Result> {
  const watch = new Watch(channel);
  return watch.within(async () => {
    try {
      const result = await work();
      watch.end("ok", (milliseconds) => event({ outcome: "ok", result, milliseconds }));
      return result;
    } catch (error) {
      const outcome = outcomeOf(error);
      watch.end(outcome, (milliseconds) => event({ outcome, result: undefined, milliseconds }));
      throw error;
    }
  });
}

/** Some work that is watched, for what is no promise. Make one only where `isWatched`. */
export class Watch<Event extends object> {
  readonly #channel: EventChannel<Event>;
  readonly #span: OpenSpan | undefined;
  readonly #began = performance.now();
  #isEnded = false;

  constructor(channel: EventChannel<Event>) {
    this.#channel = channel;
    this.#span = beginSpan(channel.name.slice(channel.name.indexOf(":") + 1));
  }

  /** Does what belongs to it. */
  within<Result>(work: () => Result): Result {
    return inSpan(this.#span, work);
  }

  /** Tells how it ended, once. */
  end(outcome: string, event: (milliseconds: number) => Event | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const told = event(performance.now() - this.#began);
    this.within(() => {
      if (told !== undefined && this.#channel.hasSubscribers) this.#channel.publish(told);
    });
    endSpan(this.#span, outcome, told);
  }
}

/** The code of an error, or `error` where it has none. */
export function outcomeOf(error: unknown): string {
  return isLakehouseError(error) ? error.code : "error";
}

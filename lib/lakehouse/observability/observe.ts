import { isLakehouseError } from "../errors.js";
import type { EventChannel } from "./channel.js";

/** How some work ended. */
export interface Ending<Result> {
  /** `ok`; else the code of the error, or `error` for one without. */
  readonly outcome: string;
  readonly milliseconds: number;
  /** What the work gave; undefined where it failed. */
  readonly result: Result | undefined;
}

/** Does some work and publishes how it ended. While nobody listens it only does the work. */
export function observe<Event extends object, Result>(
  channel: EventChannel<Event>,
  work: () => Promise<Result>,
  event: (ending: Ending<Result>) => Event,
): Promise<Result> {
  return channel.hasSubscribers ? observeWork(channel, work, event) : work();
}

async function observeWork<Event extends object, Result>(
  channel: EventChannel<Event>,
  work: () => Promise<Result>,
  event: (ending: Ending<Result>) => Event,
): Promise<Result> {
  const began = performance.now();
  const publish = (outcome: string, result: Result | undefined) =>
    channel.publish(event({ outcome, result, milliseconds: performance.now() - began }));
  try {
    const result = await work();
    publish("ok", result);
    return result;
  } catch (error) {
    publish(outcomeOf(error), undefined);
    throw error;
  }
}

/** The code of an error, or `error` where it has none. */
export function outcomeOf(error: unknown): string {
  return isLakehouseError(error) ? error.code : "error";
}

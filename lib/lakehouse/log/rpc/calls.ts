import { Code, ConnectError } from "@connectrpc/connect";

/** What a call may hold: it ends when its client goes, when its time is over, and when the server stops. */
export interface Call {
  readonly signal: AbortSignal;
  end(): void;
}

/** Calls that stream, which the server has to end when it stops: they would go on for as long as their clients like. */
export class Calls {
  readonly #open = new Set<AbortController>();
  #stopped: ConnectError | undefined;

  /** @param client aborted when the client is gone, or its deadline is over. */
  begin(client: AbortSignal): Call {
    const controller = new AbortController();
    const stop = () => controller.abort(client.reason);
    client.addEventListener("abort", stop);
    this.#open.add(controller);
    if (client.aborted) stop();
    else if (this.#stopped !== undefined) controller.abort(this.#stopped);
    return {
      signal: controller.signal,
      end: () => {
        client.removeEventListener("abort", stop);
        this.#open.delete(controller);
      },
    };
  }

  get isStopped(): boolean {
    return this.#stopped !== undefined;
  }

  stop(): void {
    this.#stopped = new ConnectError("The server stops. Go on when it runs again.", Code.Unavailable);
    for (const controller of this.#open) controller.abort(this.#stopped);
  }
}

/**
 * Waits for work, but no longer than somebody wants its result.
 *
 * @throws what the signal was aborted with. The work goes on.
 */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

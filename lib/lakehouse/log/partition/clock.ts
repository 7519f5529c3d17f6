/** Time, as the log needs it: tests bring their own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once after that many milliseconds, unless it is cancelled. A waiting timer keeps no process alive. */
  after(ms: number, work: () => void): () => void;
  /** Keeps the process alive until what it answers with is called: somebody waits for what a timer will do. */
  hold(): () => void;
}

const LONGEST_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, work) => {
    const timer = setTimeout(work, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
  hold: () => {
    const timer = setInterval(() => undefined, LONGEST_MS);
    return () => clearInterval(timer);
  },
};

/** @param signal ends it early. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const go = () => {
      cancel();
      signal?.removeEventListener("abort", go);
      resolve();
    };
    const cancel = clock.after(ms, go);
    signal?.addEventListener("abort", go);
  });
}

/** Waits, and keeps the process alive meanwhile. */
export async function holding<T>(clock: Clock, work: Promise<T>): Promise<T> {
  const release = clock.hold();
  try {
    return await work;
  } finally {
    release();
  }
}

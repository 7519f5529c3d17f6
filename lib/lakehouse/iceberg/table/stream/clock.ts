/** Time as a stream goes by: it only goes up, whatever is done to the machine's date. */
export interface Clock {
  /** Milliseconds. */
  now(): number;
  /** Calls once after so many milliseconds, unless it is cancelled by what this returns. */
  after(milliseconds: number, call: () => void): () => void;
}

/** More is taken for 1 by `setTimeout`. */
const MOST_TIMEOUT_MS = 2 ** 31 - 1;

/** Its timers keep the process alive: there is one only while rows wait to be committed. */
export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  after(milliseconds, call) {
    const timer = setTimeout(call, Math.min(milliseconds, MOST_TIMEOUT_MS));
    return () => clearTimeout(timer);
  },
};

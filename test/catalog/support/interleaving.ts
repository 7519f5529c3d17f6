/**
 * Runs programs that share a store in an order that a test decides: each request to the store is one step, which
 * happens whole, and between two steps only the program runs whose request was answered. A program can be stopped for
 * good before any of its steps; its last requests may then still be under way, and arrive late.
 */

interface Request {
  readonly apply: () => void;
}

/** One program, in a process of its own. */
export class Actor {
  readonly name: string;
  readonly requests: Request[] = [];
  steps = 0;
  isCrashed = false;
  isDone = false;
  outcome: { readonly value?: unknown; readonly error?: unknown } = {};
  #wake: (() => void) | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** A request to the store, which is applied when it is this actor's turn. */
  request<T>(apply: () => T | Promise<T>): Promise<T> {
    if (this.isCrashed) return new Promise(() => {});
    return new Promise((resolve, reject) => {
      this.requests.push({
        apply: () => {
          try {
            resolve(apply());
          } catch (error) {
            reject(error);
          }
        },
      });
      this.#wake?.();
    });
  }

  start(program: () => Promise<unknown>): void {
    void program()
      .then(
        (value) => {
          this.outcome = { value };
        },
        (error: unknown) => {
          this.outcome = { error };
        },
      )
      .then(() => {
        this.isDone = true;
        this.#wake?.();
      });
  }

  /** Until the actor waits for the store, or is done. It may sleep meanwhile. */
  async settled(): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.isDone || this.requests.length > 0) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async step(): Promise<void> {
    this.steps += 1;
    this.requests.shift()?.apply();
    await this.settled();
  }
}

/** Who makes the next step, or who dies before it. */
export type Decision = { readonly step: Actor } | { readonly crash: Actor };

/** Runs programs to their ends. Answers with what the crashed ones had under way. */
export async function interleave(
  actors: readonly { readonly actor: Actor; readonly program: () => Promise<unknown> }[],
  decide: (running: readonly Actor[]) => Decision,
): Promise<(() => void)[]> {
  const late: (() => void)[] = [];
  for (const { actor, program } of actors) {
    actor.start(program);
    await actor.settled();
  }
  for (;;) {
    const running = actors.map(({ actor }) => actor).filter(({ isDone, isCrashed }) => !isDone && !isCrashed);
    if (running.length === 0) return late;
    const decision = decide(running);
    if ("step" in decision) await decision.step.step();
    else {
      decision.crash.isCrashed = true;
      late.push(...decision.crash.requests.map(({ apply }) => apply));
    }
  }
}

/**
 * Every order with at most two changes of turn, by where they come: `first` makes `i` steps, the others `j`, then `first`
 * goes on to its end, and the others after it.
 */
export function switching(first: string, i: number, j: number): (running: readonly Actor[]) => Decision {
  return (running) => {
    const one = running.find(({ name }) => name === first);
    const other = running.find(({ name }) => name !== first);
    if (one === undefined || other === undefined) return { step: (one ?? other) as Actor };
    if (one.steps < i) return { step: one };
    return { step: other.steps < j ? other : one };
  };
}

/** One dies after some steps; then another runs to its end, and then the rest. */
export function dying(first: string, steps: number, second: string): (running: readonly Actor[]) => Decision {
  return (running) => {
    const one = running.find(({ name }) => name === first);
    if (one !== undefined) return one.steps < steps ? { step: one } : { crash: one };
    return { step: running.find(({ name }) => name === second) ?? (running[0] as Actor) };
  };
}

/** A random order, the same for the same seed. `crashes` says how probable a death is at each step. */
export function shuffled(seed: number, crashes: number): (running: readonly Actor[]) => Decision {
  let state = seed >>> 0;
  const random = (): number => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  let current: Actor | undefined;
  return (running) => {
    // Turns of some length find more than a change at each step.
    if (current === undefined || !running.includes(current) || random() < 0.25) {
      current = running[Math.floor(random() * running.length)] as Actor;
    }
    return random() < crashes ? { crash: current } : { step: current };
  };
}

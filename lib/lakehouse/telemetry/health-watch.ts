import type { Observed, PartReport } from "./observed.js";

/** How the parts of a lakehouse were when they were last asked. */
export interface HealthState {
  readonly status: "ok" | "failed";
  /** When they were asked, ISO 8601. */
  readonly at: string;
  readonly parts: readonly PartReport[];
}

/** So long one answer stands for all who ask: a probe writes an object, and whoever asks often must not write as often. */
const FRESH_MS = 5000;

/** Asks for the health of a lakehouse, for many who want to know it. */
export class HealthWatch {
  readonly #health: Observed["health"];
  readonly #shown: (text: string) => string;
  #asked: { readonly at: number; readonly state: Promise<HealthState> } | undefined;
  #last: HealthState | undefined;

  /** @param shown takes out of what parts say what is not to be shown. */
  constructor(health: Observed["health"], shown: (text: string) => string) {
    this.#health = health;
    this.#shown = shown;
  }

  /** What was found last, without asking. */
  get last(): HealthState | undefined {
    return this.#last;
  }

  now(): Promise<HealthState> {
    const at = performance.now();
    if (this.#asked === undefined || at - this.#asked.at > FRESH_MS) this.#asked = { at, state: this.#ask() };
    return this.#asked.state;
  }

  async #ask(): Promise<HealthState> {
    const at = new Date().toISOString();
    const parts = (await this.#health()).map((part) => ({ ...part, detail: this.#shown(part.detail) }));
    this.#last = { status: parts.every(({ ok }) => ok) ? "ok" : "failed", at, parts };
    return this.#last;
  }
}

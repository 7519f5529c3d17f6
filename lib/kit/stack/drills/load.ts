import { setTimeout as sleep } from "node:timers/promises";
import { isLakehouseError } from "sololakehouse/errors";
import { serviceFailed } from "../errors.js";
import type { Ledger } from "./ledger.js";

/** What was said, held against what is there. It holds where `lost`, `twice` and `strangers` are empty. */
export interface Count {
  readonly acknowledged: number;
  /** Entries of which nobody was told whether they are there. */
  readonly unknown: number;
  /** Acknowledged, and not there. */
  readonly lost: readonly string[];
  /** There more than once. */
  readonly twice: readonly string[];
  /** There, and written by nobody. */
  readonly strangers: readonly string[];
}

const WRITERS = 3;
/** Entries that are acknowledged before a fault, and once more after it. */
export const ENOUGH = 15;
/** For a service that never acknowledges anything again; leases of a writer that is gone end long before. */
const LIMIT_MS = 300_000;
/** Milliseconds that a writer waits when it was told an error. */
const PAUSE_MS = 100;

/** Writers that add one entry after the other until they are stopped, whatever they are told. */
export class Load {
  readonly acknowledged: string[] = [];
  readonly unknown: string[] = [];
  /** Codes of the errors that they were told. */
  readonly told = new Set<string>();
  readonly #ledger: Ledger;
  readonly #signal: AbortSignal;
  readonly #underWay = new Set<string>();
  readonly #writers: readonly Promise<void>[];
  #isOver = false;
  #said = "";
  /** `performance.now()` of the fault, and of the first answer to what was begun after it. */
  #struckAt = Number.POSITIVE_INFINITY;
  #resumedAt: number | undefined;

  /** @param signal ends what waits for a state, other than for the last answers. */
  constructor(ledger: Ledger, signal: AbortSignal) {
    this.#ledger = ledger;
    this.#signal = signal;
    this.#writers = Array.from({ length: WRITERS }, (_, name) => this.#write(name));
  }

  /** Entries that are begun, and neither acknowledged nor failed. */
  get underWay(): readonly string[] {
    return [...this.#underWay];
  }

  /** From now on the fault is there. */
  strike(): void {
    this.#struckAt = performance.now();
  }

  /** Milliseconds from the fault until now. */
  sinceStrike(): number {
    return Math.round(performance.now() - this.#struckAt);
  }

  /** Waits until as many more were acknowledged. @throws LakehouseError SERVICE_FAILED */
  async acknowledges(more: number): Promise<void> {
    const wanted = this.acknowledged.length + more;
    await this.until(() => this.acknowledged.length >= wanted, "Nothing more was acknowledged");
  }

  /**
   * Waits until something was acknowledged that was begun after the fault.
   *
   * @returns milliseconds from the fault until it was.
   * @throws LakehouseError SERVICE_FAILED
   */
  async resumes(): Promise<number> {
    await this.until(() => this.#resumedAt !== undefined, "Nothing was acknowledged after the fault");
    return Math.round((this.#resumedAt as number) - this.#struckAt);
  }

  /**
   * Waits for a state.
   *
   * @throws LakehouseError SERVICE_FAILED where it does not come: something hangs; and the signal's reason.
   */
  async until(isSo: () => boolean | Promise<boolean>, otherwise: string): Promise<void> {
    await this.#until(async () => {
      this.#signal.throwIfAborted();
      return isSo();
    }, otherwise);
  }

  async #until(isSo: () => boolean | Promise<boolean>, otherwise: string): Promise<void> {
    const deadline = performance.now() + LIMIT_MS;
    while (!(await isSo())) {
      if (performance.now() > deadline)
        throw serviceFailed(
          "drill",
          `${otherwise} within ${LIMIT_MS / 1000} s. ${this.#said}`,
          "slh stack status and slh stack logs say more.",
        );
      await sleep(20);
    }
  }

  /** No entry is begun any more. */
  end(): void {
    this.#isOver = true;
  }

  /** The same, and waits for the last answers. @throws LakehouseError SERVICE_FAILED where one never comes. */
  async stop(): Promise<void> {
    this.end();
    await this.#until(() => this.#underWay.size === 0, "A writer got no answer");
    await Promise.all(this.#writers);
  }

  async #write(name: number): Promise<void> {
    for (let n = 0; !this.#isOver; n++) {
      const [id, began] = [`${name}-${n}`, performance.now()];
      this.#underWay.add(id);
      try {
        await this.#ledger.write(id);
        this.acknowledged.push(id);
        if (began > this.#struckAt) this.#resumedAt ??= performance.now();
      } catch (error) {
        this.unknown.push(id);
        this.told.add(isLakehouseError(error) ? error.code : String(error));
        this.#said = (error as Error).message;
        await sleep(PAUSE_MS);
      } finally {
        this.#underWay.delete(id);
      }
    }
  }
}

export function compare(
  acknowledged: readonly string[],
  unknown: readonly string[],
  found: readonly string[],
): Count {
  const [there, known] = [new Set(found), new Set([...acknowledged, ...unknown])];
  return {
    acknowledged: acknowledged.length,
    unknown: unknown.length,
    lost: acknowledged.filter((id) => !there.has(id)),
    twice: [...new Set(found.filter((id, at) => found.indexOf(id) !== at))],
    strangers: [...there].filter((id) => !known.has(id)),
  };
}

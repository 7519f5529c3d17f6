import { LakehouseError } from "sololakehouse";

/** A process that is killed before its n-th write: nothing that it asks for after that happens. */
export class Dying {
  writes = 0;
  #limit = Number.POSITIVE_INFINITY;

  /** What it writes to: the named methods are its writes. */
  watch<T extends object>(inner: T, ...writing: readonly (keyof T)[]): T {
    return new Proxy(inner, {
      get: (target, key) => {
        const value = Reflect.get(target, key, target);
        if (typeof value !== "function") return value;
        if (!writing.includes(key as keyof T)) return value.bind(target);
        return async (...given: unknown[]) => {
          if (++this.writes > this.#limit) throw new LakehouseError("STORAGE_FAILED", "process", "killed");
          return value.apply(target, given);
        };
      },
    });
  }

  /** So many more writes get through. */
  killAfter(writes: number): void {
    this.#limit = this.writes + writes;
  }
}

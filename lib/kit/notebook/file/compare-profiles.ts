import type { FactValue, RecordedFact } from "./recorded.js";
import type { StackFacts } from "./stack-facts.js";

/** A fact as it was recorded on both profiles; a value is undefined where one of them has no such fact. */
export interface ProfileFact {
  readonly name: string;
  readonly unit: string | undefined;
  readonly embedded: FactValue | undefined;
  readonly stack: FactValue | undefined;
  /**
   * - `equal`: the same on both.
   * - `measured`: another value in each run, on one machine too.
   * - `differs`: by the nature of what is counted, or since `milestone.yaml` says why.
   * - `wrong`: it has to be equal, and is not.
   */
  readonly verdict: "equal" | "measured" | "differs" | "wrong";
  /** Why it may differ. */
  readonly why?: string | undefined;
}

/** What is counted in these units is that of the storage below, and not of the data. */
const OF_STORAGE: Readonly<Record<string, string>> = {
  requests: "what is one call on a disk may be several requests to a service",
  ...Object.fromEntries(
    ["bytes", "B", "kB", "KB", "MB", "GB", "KiB", "MiB", "GiB"].map((unit) => [
      unit,
      "files name each other by locations, and locations on the stack have another length",
    ]),
  ),
};

/**
 * The facts of both profiles, side by side, in the order in which they were recorded.
 *
 * @param differs why facts, by their names, need not be equal.
 */
export function compareProfiles(
  embedded: ReadonlyMap<string, RecordedFact>,
  stack: StackFacts["facts"],
  differs: Readonly<Record<string, string>>,
): ProfileFact[] {
  const names = new Set([...embedded.keys(), ...Object.keys(stack)]);
  return [...names].map((name) => {
    const [here, there] = [embedded.get(name), stack[name]];
    const unit = here?.unit ?? there?.unit;
    const fact = { name, unit, embedded: here?.value, stack: there?.value };
    if (here === undefined || there === undefined) {
      const why = differs[name];
      return { ...fact, verdict: why === undefined ? "wrong" : "differs", why };
    }
    if (here.volatile && there.volatile === true) return { ...fact, verdict: "measured" };
    if (here.value === there.value && here.unit === there.unit) return { ...fact, verdict: "equal" };
    const why = differs[name] ?? OF_STORAGE[unit ?? ""];
    return { ...fact, verdict: why === undefined ? "wrong" : "differs", why };
  });
}

/** What is wrong between the profiles, a sentence each: facts that should be equal, and reasons for what is equal. */
export function profileProblems(
  facts: readonly ProfileFact[],
  differs: Readonly<Record<string, string>>,
): string[] {
  const shown = (value: FactValue | undefined) =>
    value === undefined ? "not recorded" : JSON.stringify(value);
  return [
    ...facts
      .filter(({ verdict }) => verdict === "wrong")
      .map(
        ({ name, embedded, stack }) =>
          `the fact "${name}" is ${shown(embedded)} embedded and ${shown(stack)} on the stack: find out why; where that is right, say why in milestone.yaml, under "differs".`,
      ),
    ...Object.keys(differs)
      .filter((name) => !facts.some((fact) => fact.name === name && fact.verdict === "differs"))
      .map((name) => `milestone.yaml says why "${name}" differs, and it does not: take it out.`),
  ];
}

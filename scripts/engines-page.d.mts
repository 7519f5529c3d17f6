export interface NamedTest {
  readonly file: string;
  /** How the full names of the tests begin. */
  readonly name: string;
}

interface Cell {
  readonly refuses: boolean;
  readonly tests: readonly NamedTest[];
}

export interface EnginesPlace {
  readonly title: string;
  readonly about: string;
  readonly engines: readonly string[];
  readonly operations: readonly { readonly title: string; readonly cells: ReadonlyMap<string, Cell> }[];
}

export function matrix(): readonly EnginesPlace[];
export function keyOf(test: NamedTest): string;
export function namedTests(places: readonly EnginesPlace[]): readonly NamedTest[];
export function versions(
  services: Readonly<Record<"trino" | "nessie" | "seaweedfs", { readonly version: string }>>,
): Readonly<Record<string, string>>;
export function enginesPage(
  places: readonly EnginesPlace[],
  versionOf: Readonly<Record<string, string>>,
  passed: ReadonlyMap<string, number>,
): string;

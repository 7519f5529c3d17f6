/**
 * What a notebook's outputs were made from. Stored beside them, and compared with the same thing computed now.
 * Hashes are the first 16 hex digits of SHA-256: enough to notice a change, short enough for a diff.
 */
export interface Fingerprint {
  /** Code cells by id, in order. */
  readonly cells: Readonly<Record<string, string>>;
  /** Library sources that the cells reach through imports, by path from the project root. */
  readonly library: Readonly<Record<string, string>>;
  /** Locked dependencies, those for development left out. */
  readonly lock: string;
  /** Data files by name. */
  readonly datasets: Readonly<Record<string, string>>;
  /** `embedded` or `stack`. */
  readonly profile: string;
  readonly versions: { readonly node: number; readonly tslab: string };
}

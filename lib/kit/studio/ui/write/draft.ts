/// <reference lib="dom" />
import type { PieceState } from "../../contract.js";
import { Watched } from "../base/watched.js";

interface Kept {
  readonly source: string;
  readonly etag: string;
}

/** A text that is being written: kept by this tab, over a reload too, until it is saved or thrown away. */
export class Draft {
  readonly source: Watched<string>;
  /** Of the file that it was begun from. */
  readonly etag: string;
  readonly #key: string;

  private constructor(key: string, { source, etag }: Kept) {
    this.#key = key;
    this.etag = etag;
    this.source = new Watched(source);
    this.#keep();
    this.source.watch(() => this.#keep());
  }

  /** One that was begun before. */
  static found(milestone: string, kind: string): Draft | undefined {
    const key = keyOf(milestone, kind);
    const kept = sessionStorage.getItem(key);
    return kept === null ? undefined : new Draft(key, JSON.parse(kept) as Kept);
  }

  static begin(milestone: string, { kind, source, etag }: PieceState): Draft {
    return new Draft(keyOf(milestone, kind), { source, etag });
  }

  /** It is in the file now, or not wanted. */
  end(): void {
    sessionStorage.removeItem(this.#key);
  }

  #keep(): void {
    sessionStorage.setItem(this.#key, JSON.stringify({ source: this.source.value, etag: this.etag }));
  }
}

const keyOf = (milestone: string, kind: string): string => `draft:${milestone}/${kind}`;

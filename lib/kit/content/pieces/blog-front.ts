import type { Piece } from "../model/inputs.js";

/** The front matter that a post declares. */
export interface PostFront {
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  /** `2026-11-20`. */
  readonly date: string;
}

/** A post's front matter; what is missing is empty, as the checks have said. */
export function postFront(piece: Piece): PostFront {
  const text = (key: string) => (typeof piece.front[key] === "string" ? String(piece.front[key]).trim() : "");
  const tags = Array.isArray(piece.front.tags) ? piece.front.tags.map(String) : [];
  return { title: text("title"), description: text("description"), tags, date: text("date").slice(0, 10) };
}

import type { Piece } from "../model/inputs.js";
import { findInsertions } from "../text/insertions.js";
import { placeAt } from "../text/source.js";
import { countWords } from "../text/words.js";
import { type CheckResult, fail, pass, verdict } from "./result.js";

/** Bounds of a post, in words; code and tables do not count. */
export const BLOG_WORDS = { least: 900, most: 1800 } as const;
export const TITLE_MOST = 128;
export const DESCRIPTION_MOST = 200;
export const TAGS_MOST = 4;

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

/** The rules of a blog post. */
export function checkBlog(piece: Piece): CheckResult[] {
  const { title, description, tags, date } = postFront(piece);
  const place = placeAt(piece, 0);
  const at = (message: string) => ({ place, message });
  const front = [
    ...(title ? [] : [at("the front matter has no title.")]),
    ...(title.length > TITLE_MOST
      ? [at(`the title has ${title.length} characters: ${TITLE_MOST} at most.`)]
      : []),
    ...(description ? [] : [at("the front matter has no description.")]),
    ...(description.length > DESCRIPTION_MOST
      ? [at(`the description has ${description.length} characters: ${DESCRIPTION_MOST} at most.`)]
      : []),
    ...(tags.length === 0 ? [at("the front matter has no tags.")] : []),
    ...(tags.length > TAGS_MOST ? [at(`it has ${tags.length} tags: ${TAGS_MOST} at most.`)] : []),
    ...tags
      .filter((tag) => !/^[a-z0-9]+$/.test(tag))
      .map((tag) => at(`the tag "${tag}" may have letters a to z and digits only.`)),
    ...(/^\d{4}-\d{2}-\d{2}$/.test(date) && !Number.isNaN(Date.parse(date))
      ? []
      : [at('the front matter has no date: "2026-11-20".')]),
  ];
  const results = verdict("blog/front-matter", piece, front, "title, description, tags and date fit");
  const words = countWords(piece.running);
  results.push(
    words >= BLOG_WORDS.least && words <= BLOG_WORDS.most
      ? pass("blog/length", piece.file, `${words} words`)
      : fail(
          "blog/length",
          placeAt(piece, piece.bodyStart),
          `it has ${words} words: ${BLOG_WORDS.least} to ${BLOG_WORDS.most}.`,
        ),
  );
  const title1 = piece.headings.find(({ level }) => level === 1);
  results.push(
    title1
      ? fail("blog/title", title1.place, "the title is in the front matter: start with a paragraph, then ##.")
      : pass("blog/title", piece.file, "the title is in the front matter"),
  );
  results.push(
    findInsertions(piece).insertions.some(({ kind }) => kind === "fact")
      ? pass("blog/numbers", piece.file, "measured numbers do the arguing")
      : fail(
          "blog/numbers",
          placeAt(piece, piece.bodyStart),
          "no fact of the notebook is quoted: let measured numbers argue.",
        ),
  );
  return results;
}

import type { MilestoneContent, Piece } from "../model/inputs.js";
import { postPage } from "../model/site-map.js";
import { findInsertions } from "../text/insertions.js";
import { placeAt } from "../text/source.js";
import { countWords } from "../text/words.js";
import { devtoPost, hashnodePost, mediumPost } from "./blog-channels.js";
import { postFront } from "./blog-front.js";
import type { PieceDefinition } from "./piece.js";
import { type CheckResult, fail, pass, verdict } from "./result.js";

/** Bounds of a post, in words; code and tables do not count. */
const BLOG_WORDS = { least: 900, most: 1500 } as const;
const TITLE_MOST = 128;
const DESCRIPTION_MOST = 200;
const TAGS_MOST = 4;

/** A blog post, for the platforms that it goes to. */
export const blog: PieceDefinition = {
  promise: "the post fits its length and quotes the run",
  check: (piece, content, _, all) => [...checkBlog(piece), checkAddress(content, all)],
  channels: (input) =>
    new Map([
      ["blog.md", devtoPost(input)],
      ["blog.hashnode.md", hashnodePost(input)],
      ["blog.medium.html", mediumPost(input)],
    ]),
};

/** The rules of a blog post. */
function checkBlog(piece: Piece): CheckResult[] {
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

/** Two posts cannot have one page. */
function checkAddress(content: MilestoneContent, all: readonly MilestoneContent[]): CheckResult {
  const page = postPage(content);
  const file = content.pieces.blog?.file ?? "";
  const other = all.find((one) => one !== content && one.pieces.blog && postPage(one) === page);
  if (!other) return pass("blog/address", file, page);
  return fail(
    "blog/address",
    { file, line: 1, column: 1 },
    `its page ${page} is that of ${other.milestone.id} too: change the slug.`,
  );
}

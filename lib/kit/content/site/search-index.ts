import type { LakehouseError } from "sololakehouse/errors";
import { contentInvalid } from "../../errors.js";

/** What the page's own search needs of what pagefind makes: its ready-made interfaces are left out. */
const NEEDED =
  /^(?:pagefind(?:-worker)?\.js|pagefind-entry\.json|wasm\.[\w-]+\.pagefind|pagefind\.[\w-]+\.pf_meta|(?:fragment|index|filter)\/.*)$/;

/**
 * Indexes pages for the search that runs in the reader's browser.
 *
 * @param pages HTML by path; only what is below `data-pagefind-body` is indexed.
 * @returns files to put below `pagefind/`.
 */
export async function searchIndex(pages: ReadonlyMap<string, string>): Promise<Map<string, Uint8Array>> {
  const pagefind = await import("pagefind");
  const { index, errors } = await pagefind.createIndex({});
  if (!index) throw failed(errors);
  try {
    for (const [path, content] of pages) {
      const added = await index.addHTMLFile({ url: path, content });
      if (added.errors.length > 0) throw failed(added.errors);
    }
    const { files } = await index.getFiles();
    const wanted = files.filter(({ path }) => NEEDED.test(path));
    return new Map(
      wanted.sort((a, b) => (a.path < b.path ? -1 : 1)).map(({ path, content }) => [path, content]),
    );
  } finally {
    await pagefind.close();
  }
}

function failed(errors: readonly string[]): LakehouseError {
  return contentInvalid(
    "search index",
    `The search index could not be made: ${errors.join("; ")}.`,
    "Reinstall the dependencies: npm ci.",
  );
}

/** The part of Eleventy's programmatic interface that the site uses; the package ships no types for it. */
interface EleventyConfig {
  addGlobalData(name: string, value: unknown): void;
  addFilter(name: string, filter: (...values: never[]) => unknown): void;
  setUseGitIgnore(use: boolean): void;
  setTemplateFormats(formats: readonly string[]): void;
}

interface EleventyClass {
  new (
    input: string,
    output: string,
    options: { quietMode: boolean; configPath: false; config: (config: EleventyConfig) => void },
  ): { toJSON(): Promise<readonly EleventyPage[]> };
}

/** A rendered template. `outputPath` is false for templates that make no page. */
interface EleventyPage {
  readonly outputPath: string | false;
  readonly content: string;
}

/** Eleventy must be told where it would write, and names its pages from there. */
const UNUSED = "/unused/";

/**
 * Renders a folder of Nunjucks templates. Nothing is written: the caller gets path and content of each page.
 *
 * @param data global data, by name
 * @param filters template filters, by name
 */
export async function renderTemplates(
  folder: string,
  data: Readonly<Record<string, unknown>>,
  filters: Readonly<Record<string, (...values: never[]) => unknown>>,
): Promise<ReadonlyMap<string, string>> {
  // @ts-expect-error the package declares types for its configuration only
  const loaded: unknown = await import("@11ty/eleventy");
  const { default: Eleventy } = loaded as { default: EleventyClass };
  const eleventy = new Eleventy(folder, `${folder}${UNUSED}`, {
    quietMode: true,
    configPath: false,
    config(config) {
      config.setUseGitIgnore(false);
      config.setTemplateFormats(["njk"]);
      for (const [name, value] of Object.entries(data)) config.addGlobalData(name, value);
      for (const [name, filter] of Object.entries(filters)) config.addFilter(name, filter);
    },
  });
  const pages = new Map<string, string>();
  for (const { outputPath, content } of await eleventy.toJSON()) {
    if (outputPath) pages.set(outputPath.slice(outputPath.indexOf(UNUSED) + UNUSED.length), content);
  }
  return pages;
}

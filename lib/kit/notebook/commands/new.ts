import { existsSync } from "node:fs";
import { basename, isAbsolute, relative, resolve } from "node:path";
import { invalidConfig } from "sololakehouse/errors";
import type { Project } from "../../milestones/index.js";
import { withKitMetadata } from "../file/merge.js";
import { fromPercent } from "../file/percent.js";
import { writeNotebook } from "../file/store.js";

/** What a notebook begins with: it runs as it is. */
const STARTER = (title: string): string => `// %% [markdown] id="title"
// # ${title}
//
// What this notebook shows, in one sentence.

// %% id="open"
import { fact, table } from "@sololakehouse/kit";
import { openLakehouse } from "sololakehouse";

const lake = await openLakehouse();

// %% id="ask"
const answer = await lake.sql("select 6 * 7 as answer");
await table("answer", answer, { caption: "A first query" });

// %% id="record"
fact("tables", (await lake.tables()).length, { unit: "tables", volatile: true });

// %% id="close"
await lake.close();
`;

/**
 * Writes a notebook to begin with.
 *
 * @throws LakehouseError `INVALID_CONFIG` where there is a file already, or outside the checkout.
 */
export async function newNotebook({ root }: Project, path: string): Promise<void> {
  if (existsSync(path)) throw invalidConfig(path, `${path} is there already.`, "Choose another name.");
  const inside = relative(root, resolve(path));
  if (inside.startsWith("..") || isAbsolute(inside)) {
    const why = `${path} lies outside the checkout, and cells find their packages only inside.`;
    throw invalidConfig(path, why, `Choose a place below ${root}.`);
  }
  const title = basename(path, ".ipynb").replace(/[-_]+/g, " ");
  const notebook = fromPercent(STARTER(title.charAt(0).toUpperCase() + title.slice(1)));
  await writeNotebook(resolve(path), withKitMetadata(notebook, {}));
}

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { listMilestones, projectAt } from "../../lib/kit/milestones/index.js";
import { parseNotebook } from "../../lib/kit/notebook/index.js";
import { modulesOf } from "../../lib/kit/notebook/run/modules.js";

const project = projectAt(fileURLToPath(new URL("../..", import.meta.url)));

test("the small lakehouse is what the solution cells of its milestones say", async () => {
  const written: string[] = [];
  for (const { id, folder, notebookPath } of await listMilestones(project)) {
    const text = await readFile(notebookPath, "utf8").catch(() => undefined);
    if (text === undefined) continue;
    for (const [path, source] of modulesOf(parseNotebook(text), id)) {
      expect(await readFile(join(folder, path), "utf8"), `${path}; slh run ${id} writes it`).toBe(source);
      written.push(path);
    }
  }
  expect(written.sort()).toEqual(
    ["alert", "commits", "estimate", "gate", "news", "pack", "runner", "runs", "scan", "store", "table"].map(
      (name) => `../small/${name}.ts`,
    ),
  );
});

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Project } from "../milestones/index.js";
import { openCache } from "./draw/cache.js";
import { openDiagrams, readDiagram, stampDiagram } from "./draw/diagrams.js";
import { loadContent } from "./model/load.js";

/** Redraws each committed `diagram.svg` that is not what its source says. Returns the paths written. */
export async function saveDiagrams(project: Project): Promise<string[]> {
  const diagrams = openDiagrams(openCache(join(project.lake, "cache", "content")));
  const saved: string[] = [];
  try {
    for (const { milestone, diagram } of await loadContent(project)) {
      if (!diagram) continue;
      const source = readDiagram(diagram);
      const path = join(milestone.folder, "diagram.svg");
      const svg = stampDiagram(
        await diagrams.render(source, relative(project.root, diagram), "light"),
        source,
      );
      if (existsSync(path) && readFileSync(path, "utf8") === svg) continue;
      writeFileSync(path, svg);
      saved.push(relative(project.root, path));
    }
  } finally {
    await diagrams.close();
  }
  return saved;
}

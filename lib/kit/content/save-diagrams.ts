import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import type { Project } from "../milestones/index.js";
import { openCache } from "./draw/cache.js";
import { openDiagrams, readDiagram, stampDiagram } from "./draw/diagrams.js";
import { loadContent } from "./model/load.js";

/** Redraws each committed drawing of a `.d2` that is not what its source says. Returns the paths written. */
export async function saveDiagrams(project: Project): Promise<string[]> {
  const diagrams = openDiagrams(openCache(join(project.lake, "cache", "content")));
  const saved: string[] = [];
  try {
    const all = (await loadContent(project)).flatMap((content) => content.diagrams);
    for (const diagram of all) {
      const source = readDiagram(diagram);
      const name = basename(diagram, ".d2");
      const path = join(dirname(diagram), `${name}.svg`);
      const drawn = await diagrams.render(source, relative(project.root, diagram), "light");
      const svg = stampDiagram(drawn, source, name);
      if (existsSync(path) && readFileSync(path, "utf8") === svg) continue;
      writeFileSync(path, svg);
      saved.push(relative(project.root, path));
    }
  } finally {
    await diagrams.close();
  }
  return saved;
}

// The checks of npm test that are no tests: types, notebooks' cells, form, floors, unused code.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, sep } from "node:path";
import { node, root, seconds, slh } from "./setup.mjs";

const plain = { env: { NO_COLOR: "1" } };
const CHECKS = [
  ["types of the tests and benches", () => node("node_modules/typescript/bin/tsc", ["-b"], plain)],
  ["types of the notebooks' cells", () => slh(["notebook", "check"], plain)],
  ["form (Biome)", () => node("node_modules/@biomejs/biome/bin/biome", ["check", "."], plain)],
  [
    "floors (dependency-cruiser)",
    () =>
      node(
        "node_modules/dependency-cruiser/bin/dependency-cruise.mjs",
        ["lib", "--config", ".dependency-cruiser.cjs"],
        plain,
      ),
  ],
  ["nothing unused (knip)", () => node("node_modules/knip/bin/knip.js", [], plain)],
  [
    "no file for tests alone (knip)",
    () => node("node_modules/knip/bin/knip.js", ["--production", "--include", "files"], plain),
  ],
  ["the packages as they would be published (publint, attw)", () => node("scripts/packages.mjs", [], plain)],
];

/** Runs the checks, as many at a time as there are cores: a line for each where all is well, else what it printed. */
export async function checks() {
  const counts = { passed: 0, failed: 0 };
  const passedBefore = new Passed();
  const waiting = [...CHECKS];
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [title, work] = next;
      if (passedBefore.has(title)) {
        counts.passed++;
        console.log(`✔ ${title}  nothing changed since it passed`);
        continue;
      }
      const began = performance.now();
      const { code, output } = await work();
      if (code === 0) {
        counts.passed++;
        passedBefore.add(title);
        console.log(`✔ ${title}  ${seconds(began)}`);
      } else {
        counts.failed++;
        console.log(`✖ ${title}  ${seconds(began)}\n\n${output.trim()}\n`);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(CHECKS.length, availableParallelism()) }, worker));
  return counts;
}

/** Not read by any check. */
const LEFT_OUT = new Set(["node_modules", ".git", ".cache", ".lake", "dist"]);

/** What has passed on just these files: all of the project's, the packages that npm has installed, this Node. */
class Passed {
  #file = join(root, ".cache", "test", "passed.json");
  #key = createHash("sha256").update(process.version);
  #titles = new Set();

  constructor() {
    this.#addFolder(root);
    this.#key.update(readFileSync(join(root, "node_modules", ".package-lock.json")));
    this.#key = this.#key.digest("hex");
    try {
      const { key, titles } = JSON.parse(readFileSync(this.#file, "utf8"));
      if (key === this.#key) this.#titles = new Set(titles);
    } catch {
      // Nothing has passed here yet.
    }
  }

  has(title) {
    return this.#titles.has(title);
  }

  add(title) {
    this.#titles.add(title);
    mkdirSync(join(root, ".cache", "test"), { recursive: true });
    writeFileSync(this.#file, JSON.stringify({ key: this.#key, titles: [...this.#titles] }));
  }

  #addFolder(folder) {
    const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (LEFT_OUT.has(entry.name)) continue;
      if (entry.isDirectory()) this.#addFolder(path);
      else if (entry.isFile())
        this.#key
          .update(`${path.slice(root.length).split(sep).join("/")}\0`)
          .update(readFileSync(path))
          .update("\0");
    }
  }
}

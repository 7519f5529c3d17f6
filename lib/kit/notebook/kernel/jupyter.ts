/**
 * The kernel that Jupyter and VS Code start through the kernelspec of `slh lab`: tslab's own, with the same
 * corrections that headless runs have. Jupyter gives the path of its connection file.
 */
import { createRequire } from "node:module";
import { refuseInput } from "./surroundings.js";
import { loadTslab } from "./tslab.js";

refuseInput();
loadTslab();
const { startKernel } = createRequire(import.meta.url)("tslab/dist/main.js") as {
  startKernel(options: { configPath: string; enableFindLocal: boolean }): void;
};
startKernel({ configPath: process.argv[2] ?? "", enableFindLocal: false });

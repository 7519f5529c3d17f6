import { spawn, spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { delimiter, join, relative } from "node:path";
import type { Milestone, Project } from "../../milestones/index.js";
import { kernelSpec } from "../kernel/spec.js";

/**
 * Writes the kernelspec and starts Jupyter on the notebooks.
 *
 * @returns the exit code of Jupyter; 1 when none is installed.
 */
export async function lab(
  project: Project,
  milestone: Milestone | undefined,
  { start, port }: { readonly start: boolean; readonly port?: number | undefined },
): Promise<number> {
  const folder = await writeKernelspec(project);
  const env = {
    ...process.env,
    JUPYTER_PATH: [folder, process.env.JUPYTER_PATH].filter(Boolean).join(delimiter),
  };
  const shown = relative(project.root, folder);
  if (!start) {
    console.log(
      `The kernel "TypeScript" is in ${shown}. For Jupyter and VS Code: export JUPYTER_PATH=${folder}`,
    );
    return 0;
  }
  const application = ["lab", "notebook"].find(
    (name) => spawnSync("jupyter", [name, "--version"], { stdio: "ignore" }).status === 0,
  );
  if (!application) {
    console.error(
      `Jupyter is not installed: \`pip install jupyterlab\`, then \`npx slh lab\`. Or open the notebooks in VS Code (extension Jupyter), started with JUPYTER_PATH=${folder}`,
    );
    return 1;
  }
  const target = milestone ? [relative(project.root, milestone.notebookPath)] : ["--notebook-dir=milestones"];
  if (port !== undefined) target.push(`--port=${port}`);
  const child = spawn("jupyter", [application, ...target], { cwd: project.root, env, stdio: "inherit" });
  // Jupyter asks before it ends on Ctrl-C; until it has ended, this process stays.
  const wait = () => {};
  process.on("SIGINT", wait);
  const code = await new Promise<number>((done, reject) => {
    child.on("error", reject);
    child.on("exit", (status) => done(status ?? 0));
  });
  process.off("SIGINT", wait);
  return code;
}

/** The folder for `JUPYTER_PATH`; Jupyter looks for `kernels/` below it. */
async function writeKernelspec(project: Project): Promise<string> {
  const folder = join(project.lake, "jupyter");
  const spec = join(folder, "kernels", "tslab");
  await mkdir(spec, { recursive: true });
  await writeFile(join(spec, "kernel.json"), `${JSON.stringify(kernelSpec(), null, 2)}\n`);
  return folder;
}

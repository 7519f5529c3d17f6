import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Notebook, runNotebook } from "@sololakehouse/kit/notebook";
import { type Bench, type Measurement, peerPython, seconds } from "./harness.js";

export const bench: Bench = {
  about:
    "Run a notebook of 10 TypeScript cells headless, start to executed copy: our runner in its child process, beside Jupyter's nbconvert with the tslab kernel.",
  contenders: [
    { name: "ours", run: ours },
    { name: "nbconvert", run: nbconvert },
  ],
};

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Below the project, so that its cells find the packages. */
async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(join(root, ".cache"), { recursive: true });
  const folder = await mkdtemp(join(root, ".cache", "bench-notebook-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const notebook: Notebook = {
  nbformat: 4,
  nbformat_minor: 5,
  metadata: { kernelspec: { display_name: "TypeScript", language: "typescript", name: "tslab" } },
  cells: Array.from({ length: 10 }, (_, n) => ({
    cell_type: "code" as const,
    id: `cell-${n}`,
    metadata: {},
    execution_count: null,
    outputs: [],
    source: `const values${n}: number[] = Array.from({ length: ${n + 1} }, (_, i) => i * i);\nvalues${n}.reduce((a, b) => a + b, 0)`,
  })),
};

async function ours(): Promise<Measurement> {
  return inFolder(async (folder) => ({
    seconds: await seconds(async () => {
      const { failure } = await runNotebook(notebook, { folder, root });
      if (failure) throw new Error(failure.message);
    }),
  }));
}

async function nbconvert(): Promise<Measurement> {
  return inFolder(async (folder) => {
    const kernel = {
      argv: [
        process.execPath,
        join(root, "node_modules", "tslab", "bin", "tslab"),
        "kernel",
        "--config-path",
        "{connection_file}",
      ],
      display_name: "TypeScript",
      language: "typescript",
    };
    const file = join(folder, "notebook.ipynb");
    const spec = join(folder, "jupyter", "kernels", "tslab", "kernel.json");
    await mkdir(dirname(spec), { recursive: true });
    await writeFile(spec, JSON.stringify(kernel));
    await writeFile(file, JSON.stringify(notebook));
    const python = await peerPython();
    const args = ["-m", "nbconvert", "--to", "notebook", "--execute", "--inplace", file];
    const elapsed = await seconds(
      () =>
        new Promise<void>((resolve, reject) => {
          const env = { ...process.env, JUPYTER_PATH: join(folder, "jupyter") };
          const child = spawn(python, args, { cwd: folder, env, stdio: ["ignore", "ignore", "inherit"] });
          child.on("error", reject);
          child.on("close", (code) =>
            code === 0 ? resolve() : reject(new Error(`nbconvert ended with ${code}`)),
          );
        }),
    );
    const executed = JSON.parse(await readFile(file, "utf8")) as Notebook;
    if (!executed.cells.every((cell) => "outputs" in cell)) throw new Error("nbconvert ran nothing");
    return { seconds: elapsed };
  });
}

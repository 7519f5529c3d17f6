import { existsSync, statSync } from "node:fs";
import { dirname, isAbsolute, relative } from "node:path";
import type { Project } from "../../milestones/index.js";
import { Refused } from "../http/refused.js";
import { insideProject } from "../work/paths.js";
import { KERNEL_NAME, Kernel } from "./kernel.js";

/** The kernels that run, by id. */
export class Kernels {
  readonly #project: Project;
  readonly #all = new Map<string, Kernel>();

  constructor(project: Project) {
    this.#project = project;
  }

  all(): Kernel[] {
    return [...this.#all.values()];
  }

  /** @throws Refused 404 */
  get(id: string): Kernel {
    const kernel = this.#all.get(id);
    if (kernel) return kernel;
    throw new Refused(404, "NO_SUCH_KERNEL", `There is no kernel ${id}.`);
  }

  /**
   * Starts one.
   *
   * @param path a notebook or a folder, from the project's root: the kernel works in that folder
   * @throws Refused 404 for a kernel of another name, 403 for a path outside of the project.
   */
  async start(path: string, name: string = KERNEL_NAME): Promise<Kernel> {
    if (name !== KERNEL_NAME)
      throw new Refused(404, "NO_SUCH_KERNELSPEC", `The one kernel here is ${KERNEL_NAME}, not ${name}.`);
    const kernel = await Kernel.start(this.#folderOf(path));
    this.#all.set(kernel.id, kernel);
    return kernel;
  }

  /** @throws Refused 404 */
  async shutDown(id: string): Promise<void> {
    const kernel = this.get(id);
    this.#all.delete(id);
    await kernel.shutDown();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all.keys()].map((id) => this.shutDown(id)));
  }

  #folderOf(path: string): string {
    const { root } = this.#project;
    // A gateway is told the folder as its client sees it, which is a path of this machine.
    const given = isAbsolute(path) && existsSync(path) ? relative(root, path).replaceAll("\\", "/") : path;
    const target = insideProject(root, given);
    if (existsSync(target) && statSync(target).isDirectory()) return target;
    // Of a notebook that is not there, or lies among the working copies: what is above it.
    return existsSync(dirname(target)) ? dirname(target) : root;
  }
}

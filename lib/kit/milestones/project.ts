import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { invalidConfig } from "sololakehouse/errors";

/** Where things are in a checkout. All paths are absolute. */
export interface Project {
  readonly root: string;
  /** One folder for each milestone. */
  readonly milestones: string;
  /** One folder for each milestone without a number; need not be there. */
  readonly tours: string;
  /** Ignored by git: what runs on this machine leave behind. */
  readonly lake: string;
  /** Executed copies of notebooks, one folder for each milestone: `mNN/notebook.ipynb`. */
  readonly executed: string;
  /** Ignored by git: what is built from the notebooks. */
  readonly dist: string;
}

export function projectAt(root: string): Project {
  const lake = join(root, ".lake");
  return {
    root,
    milestones: join(root, "milestones"),
    tours: join(root, "notebooks"),
    lake,
    executed: join(lake, "notebooks"),
    dist: join(root, "dist"),
  };
}

/**
 * The project that `from` lies in: the nearest folder above it with a `milestones` folder and a `package.json`
 * that has workspaces.
 *
 * @throws LakehouseError `INVALID_CONFIG` when there is none.
 */
export function findProject(from: string = process.cwd()): Project {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    if (isCheckout(folder)) return projectAt(folder);
    if (dirname(folder) === folder) break;
  }
  throw invalidConfig(
    from,
    `${from} is not inside a SoloLakehouse checkout, nor a project like it: no folder above it has both milestones/ and a package.json with "workspaces".`,
    'Change into the checkout; or, in a project of your own, make the folder milestones and put "workspaces": [] into its package.json.',
  );
}

function isCheckout(folder: string): boolean {
  const manifest = join(folder, "package.json");
  if (!existsSync(join(folder, "milestones")) || !existsSync(manifest)) return false;
  const { workspaces } = JSON.parse(readFileSync(manifest, "utf8")) as { workspaces?: unknown };
  return Boolean(workspaces);
}

/** What the kit keeps in the folder of a lakehouse, where it is that of a checkout: executed notebooks, and what is known of them. */
export function keptInLake(root: string): readonly string[] {
  const isOfCheckout = isCheckout(dirname(root)) && projectAt(dirname(root)).lake === root;
  return isOfCheckout ? ["notebooks", "jupyter", "checked-notebooks.json", "lake-id"] : [];
}

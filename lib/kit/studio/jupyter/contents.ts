import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { listMilestones, type Milestone, type Project } from "../../milestones/index.js";
import { parseNotebook, serializeNotebook } from "../../notebook/index.js";
import { Refused } from "../http/refused.js";
import type { WorkingCopies } from "../work/copies.js";
import { insideProject } from "../work/paths.js";

/** As `GET /api/contents/…` of jupyter_server tells of a file or folder. */
export interface ContentsModel {
  readonly name: string;
  readonly path: string;
  readonly type: "directory" | "file" | "notebook";
  readonly writable: boolean;
  readonly created: string;
  readonly last_modified: string;
  readonly size: number | null;
  readonly mimetype: string | null;
  readonly format: "json" | "text" | "base64" | null;
  readonly content: unknown;
}

/**
 * The project's files as programs see them that attach by Jupyter's protocol. What they write lies over the project, and
 * changes no file of it: a milestone's notebook becomes its working copy, anything else goes below `.lake/work/files`.
 */
export class Contents {
  readonly #project: Project;
  readonly #copies: WorkingCopies;

  constructor(project: Project, copies: WorkingCopies) {
    this.#project = project;
    this.#copies = copies;
  }

  /** @throws Refused 404, or 403 outside of the project. */
  async get(path: string, { withContent = true, format = "" } = {}): Promise<ContentsModel> {
    const own = this.#own(path);
    const over = this.#over(path);
    const milestone = await this.#milestoneAt(own);
    if (milestone) return this.#notebook(path, milestone, withContent);
    const shown = existsSync(over) ? over : own;
    if (!existsSync(shown)) throw missing(path);
    if ((await stat(shown)).isDirectory()) return this.#folder(path, withContent);
    return fileModel(path, shown, withContent, format);
  }

  /** @throws Refused 400 for a type or format that it does not know. */
  async save(path: string, body: Readonly<Record<string, unknown>>): Promise<ContentsModel> {
    const own = this.#own(path);
    const { type = "file", format, content } = body;
    const milestone = await this.#milestoneAt(own);
    if (milestone) {
      if (type !== "notebook") throw new Refused(400, "BAD_REQUEST", `${path} is a notebook.`);
      await this.#copies.replace(milestone, parseNotebook(JSON.stringify(content), path));
      return this.#notebook(path, milestone, false);
    }
    const over = this.#over(path);
    await mkdir(type === "directory" ? over : dirname(over), { recursive: true });
    if (type === "notebook")
      await writeFile(over, serializeNotebook(parseNotebook(JSON.stringify(content ?? EMPTY), path)));
    else if (type === "file")
      await writeFile(over, Buffer.from(String(content ?? ""), format === "base64" ? "base64" : "utf8"));
    else if (type !== "directory") throw new Refused(400, "BAD_REQUEST", `There is no type ${String(type)}.`);
    return this.get(path, { withContent: false });
  }

  /** Makes a new file, folder or notebook of a name that is free, or a copy. */
  async create(folder: string, body: Readonly<Record<string, unknown>>): Promise<ContentsModel> {
    const { copy_from: from, type = "file", ext = ".txt" } = body;
    if (typeof from === "string") {
      const original = await this.get(from);
      const { name, ext: end } = { name: basename(from, extname(from)), ext: extname(from) };
      return this.save(this.#free(folder, `${name}-Copy`, end), { ...original });
    }
    const [stem, end] =
      type === "notebook"
        ? ["Untitled", ".ipynb"]
        : type === "directory"
          ? ["Untitled Folder", ""]
          : ["untitled", String(ext)];
    return this.save(this.#free(folder, stem, end), { type, format: "text" });
  }

  /** @throws Refused 403 for what is committed: only what was made here may be moved. */
  async rename(path: string, to: string): Promise<ContentsModel> {
    const over = this.#made(path);
    this.#own(to);
    const target = this.#over(to);
    if (existsSync(target) || existsSync(this.#own(to)))
      throw new Refused(409, "EXISTS", `${to} is there already.`);
    await mkdir(dirname(target), { recursive: true });
    await rename(over, target);
    return this.get(to, { withContent: false });
  }

  /** @throws Refused 403 for what is committed: only what was made here may be deleted. */
  async remove(path: string): Promise<void> {
    await rm(this.#made(path), { recursive: true });
  }

  #made(path: string): string {
    const over = this.#over(path);
    if (path !== "" && existsSync(over) && !existsSync(this.#own(path))) return over;
    if (!existsSync(this.#own(path))) throw missing(path);
    throw new Refused(
      403,
      "FORBIDDEN",
      `${path} is a file of the project: by this protocol only what was made here may be moved or deleted.`,
      "Do it in the checkout itself.",
    );
  }

  #free(folder: string, stem: string, end: string): string {
    for (let number = 0; ; number++) {
      const path = join(folder, `${stem}${number || ""}${end}`).replaceAll("\\", "/");
      if (!existsSync(this.#own(path)) && !existsSync(this.#over(path))) return path;
    }
  }

  #own = (path: string): string => insideProject(this.#project.root, path);
  #over = (path: string): string => join(this.#project.lake, "work", "files", ...path.split("/"));

  async #milestoneAt(path: string): Promise<Milestone | undefined> {
    return (await listMilestones(this.#project)).find(
      ({ notebookPath }) => notebookPath === path && existsSync(path),
    );
  }

  async #notebook(path: string, milestone: Milestone, withContent: boolean): Promise<ContentsModel> {
    const { notebook } = await this.#copies.state(milestone);
    const text = serializeNotebook(notebook);
    const { birthtime, mtime } = await stat(milestone.notebookPath);
    return {
      ...named(path, birthtime, mtime),
      type: "notebook",
      size: Buffer.byteLength(text),
      mimetype: null,
      format: withContent ? "json" : null,
      content: withContent ? JSON.parse(text) : null,
    };
  }

  async #folder(path: string, withContent: boolean): Promise<ContentsModel> {
    const names = new Set<string>();
    for (const folder of [this.#own(path), this.#over(path)])
      if (existsSync(folder)) for (const name of await readdir(folder)) names.add(name);
    const inside = [...names].filter((name) => !/^(?:\..*|node_modules)$/.test(name)).sort();
    const under = (name: string) => (path === "" ? name : `${path}/${name}`);
    const list = async () => {
      const models = inside.map((name) =>
        // A link that leads out of the project is not listed.
        this.get(under(name), { withContent: false }).catch((error: unknown) => {
          if (error instanceof Refused) return undefined;
          throw error;
        }),
      );
      return (await Promise.all(models)).filter((model) => model !== undefined);
    };
    const shown = [this.#own(path), this.#over(path)].find((folder) => existsSync(folder)) as string;
    const { birthtime, mtime } = await stat(shown);
    return {
      ...named(path, birthtime, mtime),
      type: "directory",
      size: null,
      mimetype: null,
      format: withContent ? "json" : null,
      content: withContent ? await list() : null,
    };
  }
}

const EMPTY = { cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5 };

const missing = (path: string) => new Refused(404, "NOT_FOUND", `There is no file ${path}.`);

const named = (path: string, created: Date, modified: Date) => ({
  name: basename(path),
  path,
  writable: true,
  created: created.toISOString(),
  last_modified: modified.toISOString(),
});

async function fileModel(
  path: string,
  file: string,
  withContent: boolean,
  format: string,
): Promise<ContentsModel> {
  const { birthtime, mtime, size } = await stat(file);
  const base = named(path, birthtime, mtime);
  if (extname(path) === ".ipynb" && format !== "text") {
    const content = withContent
      ? JSON.parse(serializeNotebook(parseNotebook(await readFile(file, "utf8"), path)))
      : null;
    return { ...base, type: "notebook", size, mimetype: null, format: withContent ? "json" : null, content };
  }
  if (!withContent) return { ...base, type: "file", size, mimetype: null, format: null, content: null };
  const bytes = await readFile(file);
  const text = bytes.toString("utf8");
  const isText = format !== "base64" && Buffer.from(text).equals(bytes);
  return {
    ...base,
    type: "file",
    size,
    mimetype: isText ? "text/plain" : "application/octet-stream",
    format: isText ? "text" : "base64",
    content: isText ? text : bytes.toString("base64"),
  };
}

import { existsSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { type Command, Option } from "commander";
import { invalidConfig } from "./errors.js";
import type { LakehouseOptions } from "./open.js";
import type { ProfileName } from "./profile.js";
import { ask, ink, printJson } from "./terminal/index.js";

interface InitFlags {
  readonly root?: string;
  readonly profile?: ProfileName;
  readonly warehouse?: string;
  readonly catalog?: string;
  readonly yes?: true;
  readonly json?: true;
}

/** `slh init`: makes a lakehouse, and the config file by which the other commands find it. */
export function initCommand(program: Command): void {
  program
    .command("init")
    .summary("make a lakehouse here")
    .description(
      "Makes a lakehouse, and slh.config.json, by which commands in this folder and below find it. Where there is a config file, the lakehouse is made as it says. What is there already stays as it is.",
    )
    .argument("[folder]", "where the config file goes", ".")
    .option("--root <folder>", "folder of the lakehouse. Default: .lake beside the config file")
    .addOption(
      new Option("--profile <name>", "where tables go: a folder, or an S3 service").choices([
        "embedded",
        "stack",
      ]),
    )
    .option("--warehouse <place>", "path or URI below which tables get their folders")
    .option(
      "--catalog <uri>",
      "where the catalog is kept, such as nessie:http://localhost:19120/api/v2. Default: a SQLite file",
    )
    .option("--yes", "ask nothing")
    .option("--json", "print what was made as JSON")
    .addHelpText(
      "after",
      `
On a terminal it asks for the folder of the lakehouse, unless an option says something of it.

Examples:
  $ slh init
  $ slh init --root /data/lake
  $ slh init pipelines --catalog etcd://localhost:2379/lake`,
    )
    .action(async (folder: string, { yes, json, ...settings }: InitFlags) => {
      const made = await init(resolve(folder), settings, yes !== true && json !== true);
      if (json) {
        printJson(made);
        return;
      }
      const { config, root, isNew } = made;
      if (isNew) console.log(`Made a lakehouse in ${ink(root, "bold")}.`);
      else console.log(`There is a lakehouse in ${ink(root, "bold")} already. It stays as it is.`);
      console.log(`${config} says where it is; slh config shows all settings.`);
    });
}

interface Made {
  /** The config file, with its path. */
  readonly config: string;
  readonly root: string;
  readonly warehouse: string;
  readonly catalog: string;
  /** False where there was a lakehouse already. */
  readonly isNew: boolean;
}

type Settings = Omit<InitFlags, "yes" | "json">;

async function init(folder: string, settings: Settings, mayAsk: boolean): Promise<Made> {
  const { findConfig } = await import("./config-file.js");
  const found = findConfig(folder)?.path;
  const written = found !== undefined && dirname(found) === folder ? found : undefined;
  const isSaid = Object.values(settings).some((value) => value !== undefined);
  if (written !== undefined && isSaid) {
    throw invalidConfig(
      written,
      `${written} says where this folder's lakehouse is, and is not overwritten.`,
      "Change it by hand, or run slh init without settings to make the lakehouse that it describes.",
    );
  }
  if (written !== undefined) return make(folder, written);
  const config = join(folder, "slh.config.json");
  const root = settings.root ?? (process.env.SLH_LAKE || (await askForRoot(mayAsk && !isSaid)));
  const { makeFolders } = await import("./storage/index.js");
  makeFolders(folder);
  const { warehouse } = settings;
  const said = {
    ...settings,
    root: root === undefined ? ".lake" : fromFolder(folder, root),
    warehouse: warehouse === undefined || isUri(warehouse) ? warehouse : fromFolder(folder, warehouse),
  };
  writeFileSync(config, `${JSON.stringify(said, null, 2)}\n`, { flag: "wx" });
  try {
    return await make(folder, config);
  } catch (error) {
    rmSync(config, { force: true });
    throw error;
  }
}

async function askForRoot(mayAsk: boolean): Promise<string | undefined> {
  if (!mayAsk || !process.stdin.isTTY || !process.stdout.isTTY) return undefined;
  return ask("Folder of the lakehouse", ".lake");
}

const isUri = (text: string): boolean => /^[a-z][a-z0-9+.-]+:/i.test(text);

/** A path as the config file says it: one that moves with the project, where it lies in it. */
function fromFolder(folder: string, path: string): string {
  const inside = relative(folder, resolve(path));
  return inside === "" || inside.startsWith("..") ? resolve(path) : inside.replaceAll("\\", "/");
}

/** Makes the lakehouse that the settings in force describe, where there is none. */
async function make(folder: string, config: string): Promise<Made> {
  const { settingsInForce } = await import("./profile.js");
  const { openParts } = await import("./open.js");
  const { noSuchLake } = await import("./catalog/index.js");
  const inForce = settingsInForce({}, process.env, folder);
  const profile = Object.fromEntries(inForce.map(({ name, value }) => [name, value])) as LakehouseOptions;
  const open = (create: boolean) => openParts({ ...profile, create });
  let isNew = false;
  const parts = await open(false).catch((error: unknown) => {
    if (!noSuchLake.is(error)) throw error;
    isNew = true;
    return open(true);
  });
  const { root, warehouse, catalog } = parts.profile;
  await parts.closing.close();
  if (isNew && existsSync(root)) keepOutOfGit(root);
  const { withoutSecrets } = await import("./secrets.js");
  return { config, root, warehouse, catalog: withoutSecrets(catalog), isNew };
}

/** Tables are no sources: a project's repository leaves them out. */
function keepOutOfGit(root: string): void {
  const file = join(root, ".gitignore");
  if (!existsSync(file)) writeFileSync(file, "*\n");
}

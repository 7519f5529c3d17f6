import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { invalidArgument } from "../../errors.js";
import { printLine } from "../../terminal/index.js";
import { EXPORTS, type ExportTarget, exportPipeline } from "../export/export.js";
import { loadPipelines, pickPipeline } from "./file.js";
import { printPlain } from "./output.js";
import type { FileFlags } from "./run-commands.js";

export interface ExportFlags extends FileFlags {
  readonly to: string;
  readonly out?: string;
  readonly command?: string;
}

/** `slh pipeline export`. */
export async function exportCommand(name: string | undefined, flags: ExportFlags): Promise<void> {
  const { to, out, command, file, json } = flags;
  if (!EXPORTS.includes(to as ExportTarget))
    throw invalidArgument(to, `There is no export to ${to}.`, `Name one of ${EXPORTS.join(", ")}.`);
  const loaded = await loadPipelines(file);
  const pipeline = pickPipeline(loaded, name);
  const files = exportPipeline(pipeline, to as ExportTarget, { path: loaded.path, command });
  if (out !== undefined) {
    try {
      await mkdir(out, { recursive: true });
      for (const each of files) await writeFile(join(out, each.name), each.text);
    } catch (cause) {
      throw invalidArgument(
        out,
        `${out} cannot be written to: ${(cause as Error).message}.`,
        "Name a folder.",
        cause,
      );
    }
  }
  if (json) return printPlain(files);
  for (const each of files) printLine(out === undefined ? each.text.trimEnd() : join(out, each.name));
}

import { join } from "node:path";
import { type Note, runInstaller } from "./run.js";

/** Makes a virtual environment of Python's with packages of PyPI. */
export async function makeVenv(
  name: string,
  requirements: readonly string[],
  folder: string,
  note: Note,
): Promise<void> {
  await runInstaller(name, "python3", ["-m", "venv", join(folder, "venv")], { note });
  const pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", ...requirements];
  await runInstaller(name, venvPython(folder), pip, { note });
}

export const venvPython = (folder: string): string => join(folder, "venv", "bin", "python");

import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";

/** The last lines of a file, at most; none where there is no file. */
export function endOf(file: string, lines: number): readonly string[] {
  if (!existsSync(file)) return [];
  const handle = openSync(file, "r");
  try {
    const { size } = fstatSync(handle);
    const length = Math.min(size, lines * 400);
    const bytes = Buffer.alloc(length);
    readSync(handle, bytes, 0, length, size - length);
    return bytes
      .toString("utf8")
      .trimEnd()
      .split("\n")
      .slice(-lines)
      .filter((line) => line !== "");
  } finally {
    closeSync(handle);
  }
}

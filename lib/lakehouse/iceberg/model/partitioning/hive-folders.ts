/** What Hive calls the folder of rows without a value. */
const HIVE_NULL = "__HIVE_DEFAULT_PARTITION__";

/** The columns that the folders of a path tell, `origin=ATL/` and their like, as text, or null. The innermost counts. */
export function hiveFolders(path: string): ReadonlyMap<string, string | null> {
  const folders = new Map<string, string | null>();
  for (const part of path.split("/").slice(0, -1)) {
    const at = part.indexOf("=");
    if (at <= 0) continue;
    const text = decode(part.slice(at + 1));
    folders.set(decode(part.slice(0, at)), text === HIVE_NULL ? null : text);
  }
  return folders;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a percent sign that stands for itself
  }
}

import { readFileSync } from "node:fs";

/** This package's. It is found above the build, which is flat, and above the source, which is a floor deeper. */
export function version(): string {
  for (const above of ["../package.json", "../../package.json"]) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(above, import.meta.url), "utf8")) as {
        name?: string;
        version?: string;
      };
      if (name === "sololakehouse" && version !== undefined) return version;
    } catch {
      // The other one, then.
    }
  }
  return "unknown";
}

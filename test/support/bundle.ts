import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

/** The folder of the lakehouse's sources. */
export const LAKEHOUSE = fileURLToPath(new URL("../../lib/lakehouse/", import.meta.url));

/**
 * Makes JavaScript of sources as they are now, for what cannot load TypeScript: `name.js` for each entry, and what
 * they share, all in one folder. The encoder's threads are there as well, since they are started from beside it.
 *
 * @param input name to path of the source
 * @param inlined packages that are bundled too; others are imported. Those with native parts must be.
 */
export async function bundle(
  input: Readonly<Record<string, string>>,
  folder: string,
  inlined: readonly string[] = [],
): Promise<void> {
  const isInlined = (id: string) => inlined.some((name) => id === name || id.startsWith(`${name}/`));
  const bundled = await rolldown({
    input: { ...input, worker: join(LAKEHOUSE, "parquet/encode/worker.ts") },
    platform: "node",
    external: (id) => !id.startsWith(".") && !isAbsolute(id) && !isInlined(id),
    // Programs of tests are texts that no compiler reads: a name that a room does not offer would be undefined in them.
    onLog(_level, { code, message }) {
      if (code === "IMPORT_IS_UNDEFINED" || code === "MISSING_EXPORT") throw new Error(message);
    },
  });
  await bundled.write({
    dir: folder,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
  });
  await bundled.close();
}

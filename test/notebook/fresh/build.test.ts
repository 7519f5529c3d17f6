import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ensureBuilt, unbuilt } from "../../../lib/kit/notebook/fresh/build.js";
import { notebookFolder } from "../support/notebooks.js";

test("builds when a source that is reached is newer than the build, and says why it cannot", async () => {
  const root = await notebookFolder();
  await symlink(fileURLToPath(new URL("../../../scripts", import.meta.url)), join(root, "scripts"));
  const write = async (path: string, content: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  };
  const config = {
    compilerOptions: {
      composite: true,
      rootDir: ".",
      outDir: "dist",
      emitDeclarationOnly: true,
      tsBuildInfoFile: "dist/.tsbuildinfo",
      types: [],
      lib: ["es5"],
      noCheck: true,
    },
  };
  for (const folder of ["lib/lakehouse", "lib/kit", "pipelines"]) {
    await write(`${folder}/tsconfig.json`, JSON.stringify({ ...config, include: ["*.ts"] }));
    await write(`${folder}/index.ts`, "export const a = 1;\n");
  }
  const built = ["lib/lakehouse/index.ts", "lib/kit/index.ts", "pipelines/index.ts"];
  const sources = [...built, "milestones/m01-x/helper.ts"];
  expect(unbuilt(root, sources)).toEqual(built);
  expect(await ensureBuilt(root, sources)).toBe(true);
  expect(await ensureBuilt(root, sources)).toBe(false);

  for (const changed of ["lib/kit/index.ts", "pipelines/index.ts"]) {
    await write(changed, "export const a = 2;\n");
    expect(unbuilt(root, sources)).toEqual([changed]);
    expect(await ensureBuilt(root, sources)).toBe(true);
  }

  await write("lib/lakehouse/tsconfig.json", "{ nonsense");
  await write("lib/lakehouse/index.ts", "export const a = 3;\n");
  await expect(ensureBuilt(root, sources)).rejects.toMatchObject({
    code: "INVALID_CONFIG",
    message: expect.stringMatching(/lib\/lakehouse\/index\.ts cannot be built:[\s\S]*error TS/),
  });
});

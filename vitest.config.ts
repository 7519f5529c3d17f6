import { defineConfig } from "vitest/config";

// Tests import the sources, not the build, so a red test points at the line that is wrong.
const source = (path: string) => new URL(path, import.meta.url).pathname;

export default defineConfig({
  resolve: {
    alias: [
      { find: /^sololakehouse$/, replacement: source("./lib/lakehouse/index.ts") },
      { find: /^sololakehouse\/(.+)$/, replacement: `${source("./lib/lakehouse/")}$1/index.ts` },
      { find: /^@sololakehouse\/kit$/, replacement: source("./lib/kit/index.ts") },
      { find: /^@sololakehouse\/kit\/(.+)$/, replacement: `${source("./lib/kit/")}$1/index.ts` },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/interop/**", "test/e2e/**"],
    testTimeout: 60_000,
  },
});

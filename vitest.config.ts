import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// Tests import the sources, not the build, so a red test points at the line that is wrong.
const resolve = {
  alias: [
    { find: /^sololakehouse$/, replacement: source("./lib/lakehouse/index.ts") },
    { find: /^sololakehouse\/(errors)$/, replacement: `${source("./lib/lakehouse/")}$1.ts` },
    { find: /^sololakehouse\/(.+)$/, replacement: `${source("./lib/lakehouse/")}$1/index.ts` },
    { find: /^@sololakehouse\/kit$/, replacement: source("./lib/kit/index.ts") },
    { find: /^@sololakehouse\/kit\/(.+)$/, replacement: `${source("./lib/kit/")}$1/index.ts` },
  ],
};

// The AWS SDK's news of the Node versions that it will drop is nothing for the reader of test results.
const env = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" };

// npm run test:soak
const soak = process.env.SLH_SOAK !== undefined;

/** These only give a test that hangs a name: a slow machine is no fault. In the soak there is none, and no test sets its own. */
const limit = (ms: number) => (soak ? 0 : ms);

/** What a test waits for ends it at once. What doesn't come in a minute won't come on a slow machine, either. */
const expect = { poll: { timeout: 60_000 } };

export default defineConfig({
  test: {
    reporters: ["default", "./test/support/lacks-reporter.ts"],
    // One more than Vitest's own choice, which leaves a core to the terminal: on two cores that was half the machine.
    maxWorkers: availableParallelism(),
    maxConcurrency: availableParallelism(),
    projects: [
      {
        resolve,
        test: {
          name: "unit",
          env,
          expect,
          include: ["test/**/*.test.ts"],
          exclude: ["test/interop/**", "test/site/**", "test/studio/browser.test.ts", "test/stack/live/**"],
          testTimeout: limit(600_000),
          hookTimeout: 600_000,
          setupFiles: soak ? ["test/support/soak.ts"] : [],
        },
      },
      {
        resolve,
        test: {
          name: "stack",
          env,
          expect,
          include: ["test/stack/live/**/*.test.ts"],
          // Each has the services to itself, as many as fit a small machine.
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 1_800_000,
        },
      },
      {
        resolve,
        test: {
          name: "site",
          env,
          expect,
          include: ["test/site/**/*.test.ts", "test/studio/browser.test.ts"],
          testTimeout: 300_000,
        },
      },
      {
        resolve,
        test: {
          name: "interop",
          env,
          expect,
          include: ["test/interop/**/*.test.ts"],
          testTimeout: limit(300_000),
          hookTimeout: 600_000,
        },
      },
    ],
  },
});

// npm run test:stack [-- --all | test/stack/live/seaweedfs …]: installs the services of the stack, once per user, and runs
// test/stack/live with them, file by file. Without --all, which runs test/stack/live/long too, it takes minutes. Other
// arguments go to Vitest; with --install-only there are no tests. Whatever was started is stopped, also when a test fails
// or this is interrupted.
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closingLine, vitest } from "./counts.mjs";
import { build } from "./setup.mjs";

await build();
const { down, hasJdkFor, install, isInstalled, isNative, SERVICES, StackHome } = await import(
  "../lib/kit/dist/stack.js"
);
for (const service of Object.values(SERVICES).filter(isNative)) {
  const { name, title, packages } = service;
  if (isInstalled(name, packages)) continue;
  // It only runs where there is a JDK for it; its tests are skipped elsewhere, and say so.
  if (!hasJdkFor(packages)) continue;
  const began = performance.now();
  console.log(`installing ${title} (once; SeaweedFS is compiled for some ten minutes)`);
  try {
    await install(name, packages);
  } catch (error) {
    console.error(error.message);
    console.log(closingLine({ passed: 0, failed: 1, skipped: 0 }));
    process.exit(1);
  }
  console.log(`installed ${title}  ${((performance.now() - began) / 1000).toFixed(1)} s`);
}
if (process.argv.includes("--install-only")) process.exit(0);

/** The stacks of all tests are in here. */
const folder = mkdtempSync(join(tmpdir(), "slh-stacks-"));

async function stopAll() {
  for (const name of readdirSync(folder)) {
    const home = new StackHome(join(folder, name, "stack"));
    if (existsSync(home.folder))
      await down(home, ({ service }) => console.log(`stopped ${service.title}`), "at once");
  }
  rmSync(folder, { recursive: true, force: true });
}

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.on(signal, () => interrupted.abort(new Error(signal)));
const words = process.argv.slice(2);
const named = words.filter((word) => word !== "--all");
const given = words.length > 0 ? named : ["--exclude", "test/stack/live/long/**"];
const counts = await vitest("stack", given, { SLH_STACK_TESTS: folder }, "stack", interrupted.signal);
await stopAll();
if (interrupted.signal.aborted) {
  console.error("interrupted: what was started is stopped");
  process.exit(130);
}
console.log(closingLine(counts));
process.exit(counts.failed === 0 ? 0 : 1);

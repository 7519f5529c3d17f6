// npm run test:stack [-- test/stack/live/seaweedfs …]: installs the services of the stack, once per user, and runs
// test/stack/live with them, file by file. Arguments go to Vitest; with --install-only there are no tests.
import { closingLine, vitest } from "./counts.mjs";
import { build } from "./setup.mjs";

await build();
const { install, isInstalled, isNative, SERVICES } = await import("../lib/kit/dist/stack.js");
for (const service of Object.values(SERVICES).filter(isNative)) {
  const { name, title, packages } = service;
  if (isInstalled(name, packages)) continue;
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
const counts = await vitest("stack", process.argv.slice(2));
console.log(closingLine(counts));
process.exit(counts.failed === 0 ? 0 : 1);

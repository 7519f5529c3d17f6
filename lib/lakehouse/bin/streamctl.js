#!/usr/bin/env node
import { existsSync } from "node:fs";
import module from "node:module";

// Keeps what V8 has compiled for the next command, where Node can: from 22.8 on.
module.enableCompileCache?.();

// The AWS SDK announces on stderr which Node versions it will drop one day; neither commands nor notebooks should.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

const built = new URL("../dist/streamctl.js", import.meta.url);
if (existsSync(built)) {
  const { main } = await import(built.href);
  await main();
} else {
  console.error(
    "error  streamctl is not whole: dist/streamctl.js is missing from its package.\n       Install sololakehouse anew (npm install), or in its checkout run npm run build.",
  );
  process.exitCode = 1;
}

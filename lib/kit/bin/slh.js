#!/usr/bin/env node
import { existsSync } from "node:fs";

const built = new URL("../dist/cli/main.js", import.meta.url);
if (existsSync(built)) {
  const { main } = await import(built.href);
  await main();
} else {
  console.error("error  slh is not built yet.\n       Run `npm start` (or `npm run build`) first.");
  process.exitCode = 1;
}

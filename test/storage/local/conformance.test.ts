import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { conformance } from "../support/conformance.js";

conformance("LocalStore", async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), "slh local %20 "));
  return {
    store: new LocalStore(directory),
    dispose: () => rm(directory, { recursive: true }),
  };
});

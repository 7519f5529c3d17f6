import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { historyClient } from "../catalog/support/history.js";
import { killUnderLoad } from "../catalog/support/kills.js";

test("a server that is killed fifty times under load loses no commit, and leaves none half done", async () => {
  const directory = await mkdtemp(join(tmpdir(), "catalog-kills-"));
  const client = await historyClient();
  try {
    await killUnderLoad(client, directory, 50);
  } finally {
    await client.dispose();
    await rm(directory, { recursive: true, force: true });
  }
});

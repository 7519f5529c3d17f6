import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lakehouse, openLakehouse } from "sololakehouse";
import { afterEach, beforeEach } from "vitest";

/** A folder for each test, and the lakes that are open in it. */
export interface Places {
  readonly folder: string;
  at(name: string): { root: string; profile: "embedded" };
  open(name: string): Promise<Lakehouse>;
  close(lake: Lakehouse): Promise<void>;
}

export function places(): Places {
  let folder = "";
  let open: Lakehouse[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "backup-"));
    open = [];
  });
  afterEach(async () => {
    for (const lake of open) await lake.close();
    await rm(folder, { recursive: true, force: true });
  });
  const at = (name: string) => ({ root: join(folder, name), profile: "embedded" as const });
  return {
    get folder() {
      return folder;
    },
    at,
    async open(name) {
      const lake = await openLakehouse(at(name));
      open.push(lake);
      return lake;
    },
    async close(lake) {
      open = open.filter((one) => one !== lake);
      await lake.close();
    },
  };
}

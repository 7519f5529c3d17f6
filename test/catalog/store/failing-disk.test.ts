import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { SqliteBackend } from "../../../lib/lakehouse/catalog/store/backends/sqlite-backend.js";

const disk = vi.hoisted(() => ({ code: "" }));
vi.mock("../../../lib/lakehouse/storage/local/folders.js", () => ({
  makeFolders: () => {
    throw Object.assign(new Error(`${disk.code}: the disk says so`), { code: disk.code });
  },
}));

test.each(["EIO", "ENOSPC", "EDQUOT", "EMFILE"])(
  "%s when a catalog is opened is the disk's, and nobody is told to restore a backup",
  async (code) => {
    const folder = await mkdtemp(join(tmpdir(), "failing-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    disk.code = code;
    expect(() => new SqliteBackend(join(folder, "catalog.db"))).toThrow(
      expect.objectContaining({ code: "STORAGE_FAILED", remedy: expect.not.stringContaining("backup") }),
    );
  },
);

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLakehouse } from "sololakehouse";
import { expect, onTestFinished, test } from "vitest";

test("what needs an extension of DuckDB is an error whose remedy can be followed", async () => {
  const root = mkdtempSync(join(tmpdir(), "extensions-"));
  const lake = await openLakehouse({ root });
  onTestFinished(async () => {
    await lake.close();
    rmSync(root, { recursive: true });
  });
  const statements = [
    "from 'https://localhost:1/x.csv'",
    "from read_xlsx('x.xlsx')",
    "select st_point(1, 2)",
  ];
  for (const statement of statements) {
    const error = await lake
      .sql(statement)
      .rows()
      .catch((each: unknown) => each);
    expect(error, statement).toMatchObject({
      code: "INVALID_SQL",
      message: expect.stringContaining("extensions are not loaded here"),
    });
    expect((error as Error).message, statement).not.toMatch(/INSTALL|SET /);
  }
});

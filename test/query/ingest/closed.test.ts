import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBConnection } from "@duckdb/node-api";
import { openLakehouse } from "sololakehouse";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";

// A lakehouse that is closed while data come in says so, whichever way they come and wherever they are.

const folder = mkdtempSync(join(tmpdir(), "closed-"));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(async () => {
  const lake = await openLakehouse({ root: at("made") });
  writeFileSync(at("rows.csv"), "i,v\n1,a\n2,b\n");
  writeFileSync(at("rows.ndjson"), '{"i":1,"v":"a"}\n{"i":2,"v":"b"}\n');
  await lake.sql("SELECT 1 AS i, 'a' AS v").toParquet(at("rows.parquet"));
  await lake.sql("SELECT 1 AS i, 'a' AS v").toArrowFile(at("rows.arrow"));
  await lake.close();
});

const SOURCES = {
  csv: { csv: at("rows.csv") },
  ndjson: { ndjson: at("rows.ndjson") },
  parquet: { parquet: at("rows.parquet") },
  arrow: { arrow: at("rows.arrow") },
  sql: { sql: "SELECT 1 AS i, 'a' AS v" },
  data: [{ i: 1, v: "a" }],
};

test.each(Object.entries(SOURCES))("%s", async (name, source) => {
  for (const cast of [{}, { v: { sql: "upper(v)" } }])
    for (let nth = 1; ; nth++) {
      const lake = await openLakehouse({ root: at(`${name}-${Object.keys(cast).length}-${nth}`) });
      await lake.sql("SELECT 1");
      let calls = 0;
      let closing: Promise<void> | undefined;
      const interrupts = vi.spyOn(DuckDBConnection.prototype, "interrupt");
      for (const method of ["prepare", "run", "runAndReadAll", "extractStatements"] as const) {
        const real = DuckDBConnection.prototype[method] as (...args: unknown[]) => Promise<never>;
        vi.spyOn(DuckDBConnection.prototype, method).mockImplementation(function (
          this: unknown,
          ...args: unknown[]
        ) {
          calls += 1;
          if (calls === nth) closing = lake.close();
          if (calls < nth || !interrupts.mock.contexts.includes(this as DuckDBConnection))
            return real.apply(this, args);
          return Promise.reject(
            new Error('{"exception_type":"INTERRUPT","exception_message":"Interrupted!"}'),
          );
        });
      }
      const outcome = await lake.createTableAs("a.t", source as never, { cast } as never).then(
        () => "done",
        (error: unknown) => (isLakehouseError(error) ? error.code : error),
      );
      vi.restoreAllMocks();
      await closing;
      await lake.close();
      if (calls < nth) {
        expect(outcome).toBe("done");
        expect(nth).toBeGreaterThan(1);
        break;
      }
      expect(["done", "CLOSED"], `call ${nth}, ${JSON.stringify(cast)}`).toContain(outcome);
    }
});

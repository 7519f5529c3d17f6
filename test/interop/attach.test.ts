import { afterAll, beforeAll, expect, test } from "vitest";
import { defineSchema, long } from "../../lib/lakehouse/iceberg/index.js";
import { serve } from "../catalog/support/served.js";
import { Engine } from "./engine.js";
import { inSparkShell } from "./spark-shell.js";

/** What the front page tells people to copy, copied: with the secret filled in it does what it says. */
let python: Engine;
beforeAll(() => {
  python = new Engine("attach.py");
});
afterAll(() => python.close());

test.each([
  ["open", undefined],
  ["token", { tokens: ["let-me-in-s"] }],
  ["client", { clients: { ada: "lovelace" } }],
] as const)("the front page's texts attach other engines to a server that is %s", async (access, auth) => {
  const { server, catalog, directory, stop } = await serve({ auth });
  try {
    await catalog.createNamespace("flights");
    await catalog.createTable("flights.bronze", { schema: defineSchema({ id: long() }) });
    const page = (await (await fetch(server.uri)).json()) as {
      access: string;
      attach: Record<"pyiceberg" | "duckdb" | "spark", string>;
    };
    expect(page.access).toBe(access);
    const filledIn = (text: string) =>
      text.replaceAll("<token>", "let-me-in-s").replaceAll("<id>", "ada").replaceAll("<secret>", "lovelace");
    const { pyiceberg, duckdb, spark } = page.attach;
    expect(await python.call("pyiceberg", { text: filledIn(pyiceberg) })).toBe("[('flights',)]");
    expect(await python.call("duckdb", { text: filledIn(duckdb) })).toEqual([
      ["lakehouse", "flights", "bronze"],
    ]);
    // The three differ in a setting or two, and it takes its time.
    if (access === "client")
      expect(await inSparkShell(filledIn(spark), "show tables in lakehouse.flights", directory)).toContain(
        "bronze",
      );
  } finally {
    await stop();
  }
});

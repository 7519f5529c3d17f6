/// <reference lib="dom" />
// The page that looks inside files, in a browser: files that are whole, large, odd and broken.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { needsChromium } from "./support/browser.js";
import { axeViolations, beyondTheScreen, unreachable } from "./support/inspect.js";
import { THEMES, WIDTHS } from "./support/site.js";
import { type Visit, visitor } from "./support/visit.js";

describe("look inside a file", needsChromium, () => {
  const visit = visitor();
  let folder: string;
  let duckdb: DuckDBConnection;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "slh-look-inside-"));
    duckdb = await (await DuckDBInstance.create()).connect();
  });
  afterAll(async () => {
    duckdb?.closeSync();
    rmSync(folder, { recursive: true, force: true });
  });

  const openPage = (width = 1280, hash = ""): Promise<Visit> => visit(`look-inside.html${hash}`, { width });

  /** Writes a file by a query, and chooses it on the page. */
  async function written(
    page: Page,
    name: string,
    query: string,
    options = "compression zstd",
  ): Promise<void> {
    const path = join(folder, name);
    await duckdb.run(`copy (${query}) to '${path}' (format parquet, ${options})`);
    await choose(page, path);
  }

  async function choose(page: Page, path: string): Promise<void> {
    await page.locator("#inside-file").setInputFiles(path);
  }

  const status = (page: Page) => page.locator("#inside-status");
  const heading = (page: Page) => page.locator("#opened");

  test("shows a chosen file: columns, bounds, nulls, row groups and rows", async () => {
    const { page, context, faults } = await openPage();
    await written(
      page,
      "chosen.parquet",
      `select i as number, case when i % 2 = 0 then 'w' || i % 10 end as word,
         timestamp '2001-02-14 05:30:00' + to_minutes(i) as moment, (i / 4)::decimal(9, 2) as price,
         {'a': i, 'b': ['x', 'y']} as nested from range(5000) t(i)`,
      "row_group_size 2048",
    );
    await heading(page).getByText("chosen.parquet").waitFor();
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("opened");
    const row = (column: string) =>
      page.locator("tbody tr", { has: page.getByText(column, { exact: true }) }).first();
    expect(await row("number").textContent()).toContain("4999");
    expect(await row("word").textContent()).toContain("2,500");
    expect(await row("moment").textContent()).toContain("2001-02-14 05:30:00");
    expect(await row("nested.b.list.element").count()).toBe(1);
    await page.locator("#row-group").selectOption({ index: 1 });
    expect(await row("number").textContent()).toContain("2047");

    await page.getByRole("button", { name: "Show the first 20 rows" }).click();
    const rows = page.getByRole("region", { name: "First rows of chosen.parquet" });
    await rows.waitFor();
    expect(await rows.locator("tbody tr").count()).toBe(20);
    const second = await rows.locator("tbody tr").nth(1).locator("th, td").allTextContents();
    expect(second).toEqual(["1", "null", "2001-02-14 05:31:00", "0.25", "{a: 1, b: [x, y]}"]);
    expect(faults).toEqual([]);
    await context.close();
  });

  test("shows a file that is dropped anywhere on the page", async () => {
    const { page, context } = await openPage();
    const path = join(folder, "dropped.parquet");
    await duckdb.run(`copy (select 1 as one) to '${path}' (format parquet)`);
    const bytes = [...readFileSync(path)];
    await page.evaluate((content) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(content)], "dropped.parquet"));
      document.body.dispatchEvent(
        new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }),
      );
    }, bytes);
    await heading(page).getByText("dropped.parquet").waitFor();
    await context.close();
  });

  test("opens the sample that a link names, and others at a click", async () => {
    const { page, context, faults } = await openPage();
    const samples = page.locator("a[data-sample]");
    const count = await samples.count();
    expect(count).toBeGreaterThan(1);
    const anchor = await page.locator("ul.samples li").last().getAttribute("id");
    await page.goto(new URL(`#${anchor}`, page.url()).href);
    await page.reload();
    await heading(page)
      .getByText(`${anchor?.replace("sample-", "")}.parquet`)
      .waitFor();
    await samples.first().click();
    const first = (await samples.first().getAttribute("href"))?.split("/").at(-1) ?? "";
    await heading(page).getByText(first).waitFor();
    expect(faults).toEqual([]);
    await context.close();
  });

  test("reads a large file by slices: its end, and for rows as much as it says", async () => {
    const { page, context } = await openPage();
    // The page opens a sample by itself, which is not what is counted here.
    await heading(page).waitFor();
    await page.evaluate(() => {
      const sizes: number[] = [];
      Object.assign(window, { sizes });
      const { slice } = Blob.prototype;
      Blob.prototype.slice = function (this: Blob, from = 0, to = this.size, type = "") {
        const part = slice.call(this, from, to, type);
        sizes.push(part.size);
        return part;
      };
    });
    await written(
      page,
      "large.parquet",
      "select random() as a, random() as b from range(3000000)",
      "compression uncompressed, row_group_size 100000",
    );
    await heading(page).getByText("large.parquet").waitFor();
    const read = () =>
      page.evaluate(() =>
        (window as unknown as { sizes: number[] }).sizes.reduce((sum, size) => sum + size, 0),
      );
    expect(await read()).toBeLessThan(100_000);
    await page.getByRole("button", { name: "Show the first 20 rows" }).click();
    await page.getByRole("region", { name: "First rows of large.parquet" }).waitFor();
    expect(await read()).toBeLessThan(5_000_000);
    await context.close();
  });

  test("shows many columns a hundred at a time, and rows of the first of them", async () => {
    const { page, context } = await openPage();
    const columns = Array.from({ length: 3000 }, (_, i) => `i + ${i} as column_${i}`).join(", ");
    await written(page, "wide.parquet", `select ${columns} from range(10) t(i)`);
    await heading(page).getByText("wide.parquet").waitFor();
    expect(await page.locator(".treemap .tile").count()).toBeLessThan(100);
    const more = page.getByRole("button", { name: "Show all 3,000" });
    await more.click();
    expect(await page.locator("tbody tr").count()).toBeGreaterThan(3000);
    await page.getByText("for 40 of 3,000 columns").waitFor();
    await page.getByRole("button", { name: "Show the first 20 rows" }).click();
    const rows = page.getByRole("region", { name: "First rows of wide.parquet" });
    await rows.waitFor();
    expect(await rows.locator("thead th").count()).toBe(40);
    await context.close();
  });

  test("says what is wrong with a file that it cannot show, and shows the next", async () => {
    const { page, context, faults } = await openPage();
    const good = join(folder, "good.parquet");
    await duckdb.run(`copy (select i from range(1000) t(i)) to '${good}' (format parquet)`);
    const whole = readFileSync(good);
    const encrypted = Buffer.from(whole);
    for (const at of [0, whole.length - 4]) encrypted.write("PARE", at);
    const damaged = Buffer.from(whole);
    damaged.fill(0xff, whole.length - 60, whole.length - 20);
    const broken: Readonly<Record<string, readonly [content: Buffer, says: string]>> = {
      "empty.parquet": [Buffer.alloc(0), "empty.parquet is empty"],
      "cut.parquet": [
        whole.subarray(0, whole.length - 100),
        "It was cut off, or its writer has not finished",
      ],
      "damaged.parquet": [damaged, "damaged.parquet cannot be read"],
      "text.parquet": [Buffer.from("a,b\n1,2\n".repeat(10)), "text.parquet is no Parquet file"],
      "rows.json": [Buffer.from('{"a": 1}'), "JSON by the look of it"],
      "manifest.avro": [Buffer.from("Obj\u0001 and more of it"), "an Avro file"],
      "hidden.parquet": [encrypted, "is an encrypted Parquet file"],
    };
    for (const [name, [content, says]] of Object.entries(broken)) {
      writeFileSync(join(folder, name), content);
      await choose(page, join(folder, name));
      await status(page).getByText(says).waitFor();
      expect(await page.locator("#inside").innerHTML(), name).toBe("");
    }
    await choose(page, good);
    await heading(page).getByText("good.parquet").waitFor();
    expect(await status(page).textContent()).toBe("");
    expect(faults).toEqual([]);
    await context.close();
  });

  test("may connect to no other host", async () => {
    const { page, context } = await openPage();
    const refused = page.evaluate(() =>
      fetch("https://elsewhere.example/", { method: "POST" }).then(() => "sent"),
    );
    await expect(refused).rejects.toThrow(/Failed to fetch/);
    const policy = await page.locator("meta[http-equiv=Content-Security-Policy]").getAttribute("content");
    expect(policy).toContain("default-src 'self'");
    await context.close();
  });

  test.each(WIDTHS)("shows a file to everybody, %i px wide", async (width) => {
    const { page, context, faults } = await openPage(width);
    await written(
      page,
      "shown.parquet",
      "select i as a_column_with_a_long_name, i % 3 as b from range(9000) t(i)",
      "row_group_size 2048",
    );
    await heading(page).waitFor();
    await page.getByRole("button", { name: "Show the first 20 rows" }).click();
    await page.getByRole("region", { name: "First rows of shown.parquet" }).waitFor();
    for (const colorScheme of THEMES) {
      await page.emulateMedia({ colorScheme });
      expect(await axeViolations(page, "all")).toEqual([]);
      expect(await beyondTheScreen(page)).toEqual([]);
    }
    expect(await unreachable(page)).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  });
});

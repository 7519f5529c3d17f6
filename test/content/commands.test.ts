import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { contentCommands } from "../../lib/kit/content/index.js";
import { type Fixture, makeFixture } from "./support/fixture.js";

let fixture: Fixture;
let printed: string;
beforeEach(async () => {
  fixture = await makeFixture();
  vi.spyOn(process, "cwd").mockReturnValue(fixture.project.root);
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += text;
    return true;
  });
  // Vitest's console does not go through the stream.
  vi.spyOn(console, "log").mockImplementation((line) => {
    printed += `${line}\n`;
  });
  process.exitCode = undefined;
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  fixture.remove();
});

async function slh(...words: string[]): Promise<void> {
  const program = new Command().exitOverride();
  contentCommands(program);
  await program.parseAsync(["node", "slh", ...words]);
}

describe("slh content check", () => {
  test("shows what is off, with the place, and fails", async () => {
    rmSync(join(fixture.milestone, "diagram.svg"));
    await slh("content", "check", "m03");
    expect(printed).toMatch(
      /^✖ milestones\/m03-writing-iceberg\/diagram\.d2:1:1 {2}diagram\/fresh: diagram\.svg is missing/,
    );
    expect(printed).toMatch(/\d+ rules hold, 1 do not\.\n$/);
    expect(process.exitCode).toBe(1);
  });

  test("gives a machine the whole list", async () => {
    await slh("content", "check", "m01", "--json");
    const rules = (JSON.parse(printed) as { rule: string; ok: boolean }[]).map(({ rule }) => rule);
    expect(rules).toContain("doc/sections");
    expect(rules).not.toContain("blog/length");
  });

  test("knows what is no milestone", async () => {
    await expect(slh("content", "check", "m77")).rejects.toMatchObject({ code: "INVALID_CONFIG" });
  });
});

describe("slh content build", () => {
  test("says what it made, saves diagrams when asked, and says what to open", async () => {
    rmSync(join(fixture.milestone, "diagram.svg"));
    await slh("content", "build", "--save");
    expect(printed).toContain("drew milestones/m03-writing-iceberg/diagram.svg\n");
    expect(printed).toContain("m03  5 pages  doc, blog, linkedin, video, slides\n");
    expect(printed).toMatch(
      /17 pages in [\d.]+ s\. Open dist\/site\/index\.html, or run: slh content serve\n$/,
    );
  });

  test("reports as JSON where asked", async () => {
    await slh("content", "build", "--json");
    expect(JSON.parse(printed)).toMatchObject({ pages: 17, skipped: [], saved: [] });
  });

  test("says what to set while the site has no address of its own", async () => {
    const path = join(fixture.project.root, "blog", "site.yaml");
    writeFileSync(path, readFileSync(path, "utf8").replace("lakehouse.test", "lakehouse.example"));
    await slh("content", "build");
    expect(printed).toMatch(
      /not written: 3 texts for other platforms \(m03\/blog\.md, …\): .*slh content setup\n/,
    );
  });

  test("refuses a site address that is none", async () => {
    const path = join(fixture.project.root, "blog", "site.yaml");
    writeFileSync(path, readFileSync(path, "utf8").replace(/^url: .*$/m, "url: somewhere"));
    await expect(slh("content", "build")).rejects.toMatchObject({
      code: "INVALID_CONFIG",
      subject: "somewhere",
    });
  });
});

describe("slh content setup", () => {
  const settings = () => readFileSync(join(fixture.project.root, "blog", "site.yaml"), "utf8");

  test("writes what is given, and keeps comments and other settings", async () => {
    await slh(
      "content",
      "setup",
      "--url",
      "https://ada.test/lake/",
      "--repository",
      "https://github.com/ada/lake",
    );
    expect(settings()).toBe(`title: SoloLakehouse
# Kept by setup.
sentence: A lakehouse that one person can run.
author: Ada L.
url: https://ada.test/lake
repository: "https://github.com/ada/lake"
`);
    expect(printed).toContain("url: https://ada.test/lake\n");
  });

  test.each([
    ["--url", "https://sololakehouse.example", "address for examples"],
    ["--url", "somewhere", "is not where a site can be published"],
    ["--repository", "ada/lake", "is not where code can be read"],
    ["--author", " ", "A site needs a name"],
  ])("refuses %s %s, and writes nothing", async (option, value, why) => {
    const before = settings();
    await expect(slh("content", "setup", "--author", "Bob", option, value)).rejects.toThrow(why);
    expect(settings()).toBe(before);
  });

  test("says what to give where nobody can answer", async () => {
    await expect(slh("content", "setup")).rejects.toMatchObject({
      code: "INVALID_CONFIG",
      remedy: expect.stringContaining("--url"),
    });
  });
});

describe("slh content serve", () => {
  test("wants a port", async () => {
    vi.spyOn(process.stderr, "write").mockReturnValue(true);
    await expect(slh("content", "serve", "--port", "99999")).rejects.toMatchObject({
      code: "commander.invalidArgument",
    });
  });
});

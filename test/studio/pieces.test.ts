import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { notebookOf } from "../notebook/support/notebooks.js";
import { studio } from "./support/studio.js";

test("a text is shown as published, with its rules and what to paste, and is not written over another's edit", async () => {
  const { ask, root } = await studio(notebookOf("1"));
  await mkdir(join(root, "blog"));
  await writeFile(
    join(root, "blog/site.yaml"),
    "title: Test\nsentence: A test.\nurl: https://example.org\nauthor: Nobody\n",
  );
  const file = join(root, "milestones/m01-one/linkedin.md");
  const text = "---\nimage: diagram\n---\n\nA hook.\n\n- one\n- two\n- three\n\nAnd that is that.\n";
  await writeFile(file, text);
  const { status, json } = await ask("GET", "/studio/pieces/m01");
  expect([status, json]).toMatchObject([200, { milestone: "m01", stale: [expect.any(String)] }]);
  const [piece] = json.pieces;
  expect(piece).toMatchObject({ kind: "linkedin", file: "milestones/m01-one/linkedin.md", source: text });
  expect(piece.html).toContain("And that is that.");
  expect(piece.copies).toContainEqual({ name: "linkedin.txt", text: expect.stringContaining("• one") });
  const bullets = piece.checks.find(({ rule }: { rule: string }) => rule === "linkedin/bullets");
  expect(bullets).toMatchObject({ ok: true, breaks: false });

  const change = { source: text.replace("- three\n", ""), etag: piece.etag };
  const changed = await ask("PUT", "/studio/pieces/m01/linkedin", change);
  expect(changed.json.pieces[0].checks).toContainEqual(
    expect.objectContaining({ rule: "linkedin/bullets", ok: false, breaks: true }),
  );
  expect(await readFile(file, "utf8")).toBe(change.source);
  expect((await ask("PUT", "/studio/pieces/m01/linkedin", change)).status).toBe(409);
  expect((await ask("PUT", "/studio/pieces/m01/nothing", change)).status).toBe(404);

  const { etag } = changed.json.pieces[0];
  const unreadable = await ask("PUT", "/studio/pieces/m01/linkedin", {
    source: "---\nimage: [diagram\n---\n\nA hook.\n",
    etag,
  });
  expect([unreadable.status, unreadable.json.message]).toMatchObject([
    400,
    expect.stringContaining("not YAML"),
  ]);
  expect(await readFile(file, "utf8")).toBe(change.source);
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { MilestoneContent } from "../../../lib/kit/content/index.js";
import { pieceFromText } from "../../../lib/kit/content/model/inputs.js";
import { boxProblems } from "../../../lib/kit/content/pieces/boxes.js";

const D2 =
  "direction: right\nlake: Lake {\n  class: group\n  store: Object\\nstore {class: store}\n}\nengine: Engine,\\none or many\nlake.store -> engine: ranges\n";
const WHOLE = '[M1](../m01-storage/doc.md), [decision](../../docs/decisions/01-a.md), {{ fact "a" }}';

function problems(items: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), "slh-boxes-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "diagram.d2");
  writeFileSync(path, D2);
  const text = `# One\n\n![A store and an engine](diagram.svg)\n\n${items.join("\n")}\n\n## Two\n\n- **Engine**: ${WHOLE}\n`;
  const content = { diagrams: [path] } as unknown as MilestoneContent;
  return boxProblems(pieceFromText("doc", text), content).map(
    ({ place, message }) => `${place.line}: ${message}`,
  );
}

test("a box with a milestone, a decision and a fact is in order, and a group is no box", () => {
  expect(problems([`- **Object store**: ${WHOLE}`, `- **Engine**: ${WHOLE}`])).toEqual([]);
});

test("a box without an item, or with one that lacks something, is named with its line", () => {
  expect(problems([`- **Object store**: ${WHOLE}`])).toEqual([
    expect.stringContaining('3: the box "Engine, one or many" of diagram.svg has no item'),
  ]);
  expect(problems(["- **Object store**: [M1](../m01-storage/doc.md)", `- **Engine**: ${WHOLE}`])).toEqual([
    '5: the box "Object store" does not lead to a decision, nor to a fact.',
  ]);
});

import fc from "fast-check";
import { type GraphCommit, layOutGraph } from "sololakehouse/terminal";
import { describe, expect, test } from "vitest";
import { drawRow } from "../../../lib/lakehouse/catalog/commands/graph-text.js";

/** Commits written as "hash: parents". */
const commits = (...lines: string[]): GraphCommit[] =>
  lines.map((line) => {
    const [hash = "", parents = ""] = line.split(":");
    return { hash, parents: parents.split(" ").filter((parent) => parent !== "") };
  });

const draw = (shown: readonly GraphCommit[], first?: string): string[] =>
  layOutGraph(shown, { root: "0", ...(first === undefined ? {} : { first }) }).rows.flatMap((row) => {
    const { commit, below } = drawRow(row);
    return [`${commit}  ${row.commit.hash}`, ...below].map((line) => line.trimEnd());
  });

describe("a graph of commits as text", () => {
  test("is one line where nothing branches", () => {
    expect(draw(commits("c: b", "b: a", "a: 0"))).toEqual(["●  c", "│", "●  b", "│", "●  a", ""]);
  });

  test("opens a lane at a merge and closes it where the branch began", () => {
    expect(draw(commits("m: b e", "e: a", "b: a", "a: 0"))).toEqual([
      "●    m",
      "├─╮",
      "│ │",
      "│ ●  e",
      "│ │",
      "● │  b",
      "├─╯",
      "│",
      "●  a",
      "",
    ]);
  });

  test("keeps the main branch at the left, even when another branch is newer", () => {
    const shown = commits("e: a", "b: a", "a: 0");
    expect(draw(shown, "b").filter((line) => line.includes("●"))).toEqual(["  ●  e", "● │  b", "●  a"]);
    expect(draw(shown).filter((line) => line.includes("●"))).toEqual(["●  e", "│ ●  b", "●  a"]);
  });

  test("crosses lanes that lie between", () => {
    expect(draw(commits("p: q x", "q: a y", "x: a", "y: a", "a: 0"))).toEqual([
      "●    p",
      "├─╮",
      "│ │",
      "● │    q",
      "├─┼─╮",
      "│ │ │",
      "│ ● │  x",
      "├─╯ │",
      "│   │",
      "│   ●  y",
      "├───╯",
      "│",
      "●  a",
      "",
    ]);
  });

  test("joins a lane that is there when two merges take in the same branch", () => {
    const drawn = draw(commits("n: m e", "m: b e", "e: a", "b: a", "a: 0"));
    expect(drawn).toEqual([
      "●    n",
      "├─╮",
      "│ │",
      "● │  m",
      "├─┤",
      "│ │",
      "│ ●  e",
      "│ │",
      "● │  b",
      "├─╯",
      "│",
      "●  a",
      "",
    ]);
  });

  test("draws each parent of each commit exactly once, from its row to the parent's, whatever the history", () => {
    const history = fc
      .array(fc.tuple(fc.nat(3), fc.option(fc.nat(5))), { minLength: 1, maxLength: 30 })
      .map((steps): GraphCommit[] =>
        steps
          .map(([back, merged], index) => {
            const parent = Math.max(-1, index - 1 - back);
            const other = merged === null ? undefined : index - 1 - merged;
            const parents = [
              parent,
              ...(other === undefined || other < 0 || other === parent ? [] : [other]),
            ];
            return { hash: `${index}`, parents: parents.map((to) => (to < 0 ? "root" : `${to}`)) };
          })
          .reverse(),
      );
    fc.assert(
      fc.property(history, (shown) => {
        const { rows, edges, lanes } = layOutGraph(shown, { root: "root", first: `${shown.length - 1}` });
        const at = new Map(rows.map(({ commit, lane }, row) => [commit.hash, [lane, row]]));
        const wanted = shown.flatMap(({ hash, parents }) =>
          parents.filter((parent) => parent !== "root").map((parent) => `${hash} ${parent}`),
        );
        expect(edges.map(({ child, parent }) => `${child} ${parent}`).sort()).toEqual(wanted.sort());
        for (const { child, parent, corners } of edges) {
          expect(corners[0]).toEqual(at.get(child));
          expect(corners.at(-1)).toEqual(at.get(parent));
          for (const [index, [lane, row]] of corners.entries()) {
            expect(lane).toBeLessThan(lanes);
            const [before, above] = corners[index - 1] ?? [lane, row];
            expect(row).toBeGreaterThanOrEqual(above);
            // A line changes its lane from one row to the next, and passes no commit but its own.
            if (before !== lane) expect(row).toBe(above + 1);
            else for (const { lane: occupied } of rows.slice(above + 1, row)) expect(occupied).not.toBe(lane);
          }
        }
        for (const row of rows) {
          const { commit, below } = drawRow(row);
          expect(commit[row.lane * 2]).toBe("●");
          expect(below.at(-1)?.replaceAll(/[│ ]/g, "")).toBe("");
        }
      }),
    );
  });
});

import type { GraphCommit, GraphRow } from "../../terminal/index.js";

/** The left margin of one commit in a graph of text. */
export interface GraphText {
  /** Stands before the commit's first line. */
  readonly commit: string;
  /** Stand before the lines that follow, first lanes that cross, and the last one before all further lines. */
  readonly below: readonly string[];
}

/** Draws a row of a graph with the characters of a terminal, two columns for each lane. */
export function drawRow({ lane, passing, crossings, leaving }: GraphRow<GraphCommit>): GraphText {
  const width = Math.max(lane + 1, passing.length, leaving.length);
  const lanes = Array.from({ length: width }, (_, index) => index);
  const active = lanes.map((index) => passing[index] === true || index === lane);
  const commit = lanes.map((index) => (index === lane ? "●" : active[index] ? "│" : " ")).join(" ");
  const below = crossings.map(({ from, to, kind }) => {
    const [left, right] = from < to ? [from, to] : [to, from];
    // The lane that starts or ends here; the other one goes on.
    const moves = kind === "open" ? to : kind === "close" ? from : undefined;
    const cells = lanes.map((index) => {
      if (index < left || index > right) return active[index] ? "│" : " ";
      if (index > left && index < right) return active[index] ? "┼" : "─";
      const stays = index !== moves;
      if (stays) return index === left ? "├" : "┤";
      if (kind === "open") return index === left ? "╭" : "╮";
      return index === left ? "╰" : "╯";
    });
    if (kind === "open") active[to] = true;
    if (kind === "close") active[from] = false;
    return cells.map((cell, index) => cell + (index >= left && index < right ? "─" : " ")).join("");
  });
  const rest = lanes.map((index) => (leaving[index] ? "│" : " ")).join(" ");
  return { commit, below: [...below, rest] };
}

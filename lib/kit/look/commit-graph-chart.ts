import { type GraphCommit, layOutGraph } from "sololakehouse/terminal";
import type { ChartSpec } from "./charts.js";

/** A commit with what is said of it. */
export interface ShownCommit extends GraphCommit {
  readonly message: string;
}

export interface CommitGraphOptions {
  /** Branches and tags, which are named beside the commits that they are at. */
  readonly refs?: readonly { readonly type: string; readonly name: string; readonly hash: string }[];
  /** The branch that keeps the leftmost lane and the accent. */
  readonly main?: string | undefined;
  /** The commit before the first one shown, such as the place where a branch began: no line leads there. */
  readonly root?: string | undefined;
}

/** In px: a commit's row, a lane, and the whole plot, which fits a phone as it is. */
const ROW = 30;
const LANE = 24;
const WIDTH = 312;
/** What a character of a label takes, in px: a little more than it does on average. */
const CHARACTER = 7;

/**
 * A chart of commits, newest first, with the lines from each to its parents; branches and tags in brackets, as git's
 * log has them. Give the commits as `lake.history()` does.
 *
 * @example await figure("graph", commitGraph(await lake.history(), { refs: await lake.refs(), main: "main" }), { title, alt });
 */
export function commitGraph(commits: readonly ShownCommit[], options: CommitGraphOptions = {}): ChartSpec {
  const { refs = [], main, root } = options;
  const first = refs.find(({ name }) => name === main)?.hash;
  const graph = layOutGraph(commits, { first, root });
  const values = graph.rows.map(({ commit, lane }, row) => {
    const names = refs
      .filter(({ hash }) => hash === commit.hash)
      .map(({ type, name }) => (type === "TAG" ? `tag ${name}` : name));
    return { row, lane, commit: commit.message.split("\n", 1)[0] ?? "", refs: names.join(", ") };
  });
  const lanes = Math.max(1, graph.lanes);
  const room = (WIDTH - lanes * LANE) / CHARACTER;
  const labels = values.map(({ row, commit, refs: at }) => ({
    row,
    lane: lanes - 0.4,
    named: at !== "",
    label: shorten(commit, at === "" ? "" : ` (${at})`, room),
  }));
  const edges = graph.edges.flatMap(({ child, corners }, line) => {
    // A line belongs to the lane on which it runs longest: a merge's to the branch that came in.
    const side = Math.max(...corners.map(([lane]) => lane));
    return corners.map(([lane, row], corner) => ({ line: `${line} ${child}`, corner, lane, row, side }));
  });
  const colour = (field: string) => ({
    condition: { test: `datum.${field} === 0`, value: "@ice" },
    value: "@grey",
  });
  const label = (isNamed: boolean) => ({
    data: { values: labels },
    transform: [{ filter: `datum.named === ${isNamed}` }],
    mark: {
      type: "text",
      // No room is made for a label that reaches beyond the plot.
      clip: true,
      align: "left",
      baseline: "middle",
      fontSize: 12,
      fontWeight: isNamed ? 600 : 400,
      color: isNamed ? "@ink" : "@inkSoft",
    },
    encoding: { text: { field: "label" } },
  });
  return {
    width: WIDTH,
    height: Math.max(1, values.length) * ROW,
    data: { values },
    encoding: {
      x: {
        field: "lane",
        type: "quantitative",
        axis: null,
        scale: { domain: [-0.5, WIDTH / LANE - 0.5], nice: false, zero: false },
      },
      y: {
        field: "row",
        type: "quantitative",
        axis: null,
        scale: { domain: [values.length - 0.5, -0.5], nice: false, zero: false },
      },
    },
    layer: [
      {
        data: { values: edges },
        mark: { type: "line", strokeWidth: 2, strokeJoin: "round" },
        encoding: { detail: { field: "line" }, order: { field: "corner" }, color: colour("side") },
      },
      {
        mark: { type: "point", filled: true, size: 110, opacity: 1, stroke: "@paper", strokeWidth: 2 },
        encoding: { fill: colour("lane") },
      },
      label(true),
      label(false),
    ],
  };
}

/** The message gives way to the names. */
function shorten(message: string, names: string, characters: number): string {
  const room = Math.max(8, Math.floor(characters) - names.length);
  return (message.length > room ? `${message.slice(0, room - 1).trimEnd()}…` : message) + names;
}

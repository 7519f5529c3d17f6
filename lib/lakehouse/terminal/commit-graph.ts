/** A commit as a graph needs it: its own hash, and its parents', of which the first is the one that it follows. */
export interface GraphCommit {
  readonly hash: string;
  readonly parents: readonly string[];
}

/** A line that crosses from one lane to another below a commit. */
export interface Crossing {
  readonly from: number;
  readonly to: number;
  /** `open`: a merge starts a lane; `join`: a merge meets a lane that is there; `close`: a lane ends in another. */
  readonly kind: "open" | "join" | "close";
}

/** One commit's row of a graph. Lanes count from 0, at the left. */
export interface GraphRow<C extends GraphCommit> {
  readonly commit: C;
  readonly lane: number;
  /** For each lane, whether a line passes the commit's row. */
  readonly passing: readonly boolean[];
  readonly crossings: readonly Crossing[];
  /** For each lane, whether a line leaves the row downwards, after the crossings. */
  readonly leaving: readonly boolean[];
}

/** The line from a commit to a parent, by its corners: lane and row. Rows of parents that are not shown lie below. */
export interface GraphEdge {
  readonly child: string;
  readonly parent: string;
  readonly corners: readonly (readonly [lane: number, row: number])[];
}

export interface Graph<C extends GraphCommit> {
  readonly rows: readonly GraphRow<C>[];
  readonly edges: readonly GraphEdge[];
  /** How many lanes are in use at most. */
  readonly lanes: number;
}

/** A lane in use: lines that lead down it to a commit which is still to come. */
interface Lane {
  readonly expects: string;
  readonly lines: Line[];
}

interface Line {
  readonly child: string;
  readonly corners: [number, number][];
}

/**
 * Gives commits their places: one a row in the order given, each before its parents, as `lake.history()` has them.
 * Lines that wait for the same commit share one lane, the left one. Costs what there is to draw.
 *
 * @param first the commit whose line keeps the leftmost lane: the head of the main branch.
 * @param root a hash that stands for the beginning, before all commits: no line leads there.
 */
export function layOutGraph<C extends GraphCommit>(
  commits: readonly C[],
  { first, root }: { readonly first?: string | undefined; readonly root?: string | undefined } = {},
): Graph<C> {
  const lanes: (Lane | undefined)[] = [];
  const edges: GraphEdge[] = [];
  const rows: GraphRow<C>[] = [];
  if (first !== undefined && commits.some(({ hash }) => hash === first)) {
    lanes.push({ expects: first, lines: [] });
  }
  // A lane that is only kept for the first commit shows no line yet.
  const used = () => lanes.map((lane) => lane !== undefined && lane.lines.length > 0);
  let width = 0;
  for (const [row, commit] of commits.entries()) {
    const found = lanes.findIndex((lane) => lane?.expects === commit.hash);
    const lane = found >= 0 ? found : freeLane(lanes);
    for (const { child, corners } of lanes[lane]?.lines ?? [])
      edges.push({ child, parent: commit.hash, corners: [...corners, [lane, row]] });
    lanes[lane] = undefined;
    const passing = used();
    const crossings: Crossing[] = [];
    for (const [position, parent] of commit.parents.filter((hash) => hash !== root).entries()) {
      const line: Line = { child: commit.hash, corners: [[lane, row]] };
      const waiting = lanes.findIndex((other) => other?.expects === parent);
      if (position === 0 && waiting > lane) {
        // The left lane stays: the lines that waited further right come over.
        for (const { corners } of lanes[waiting]?.lines ?? []) corners.push([waiting, row], [lane, row + 1]);
        lanes[lane] = { expects: parent, lines: [...(lanes[waiting]?.lines ?? []), line] };
        lanes[waiting] = undefined;
        crossings.push({ from: waiting, to: lane, kind: "close" });
        continue;
      }
      const target = waiting >= 0 ? waiting : position === 0 ? lane : freeLane(lanes);
      if (target !== lane) {
        line.corners.push([target, row + 1]);
        const kind = waiting < 0 ? "open" : position === 0 ? "close" : "join";
        crossings.push({ from: lane, to: target, kind });
      }
      lanes[target] = { expects: parent, lines: [...(lanes[target]?.lines ?? []), line] };
    }
    width = Math.max(width, lane + 1, lanes.length);
    // What ends comes last, so that what starts at the commit still has its lane.
    crossings.sort((a, b) => Number(a.kind === "close") - Number(b.kind === "close"));
    rows.push({ commit, lane, passing, crossings, leaving: used() });
    while (lanes.length > 0 && lanes.at(-1) === undefined) lanes.pop();
  }
  for (const [lane, { expects, lines } = { expects: "", lines: [] }] of lanes.entries())
    for (const { child, corners } of lines)
      edges.push({ child, parent: expects, corners: [...corners, [lane, commits.length]] });
  return { rows, edges, lanes: width };
}

/** The leftmost lane that nothing uses, made where there is none. */
function freeLane(lanes: (Lane | undefined)[]): number {
  const free = lanes.indexOf(undefined);
  return free >= 0 ? free : lanes.push(undefined) - 1;
}

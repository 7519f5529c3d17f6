import type { LakeCommits } from "../../contract.js";
import { minute } from "../base/figures.js";
import { lanesOf, type Placed } from "./lanes.js";

/** In px: the height of a row, the room before the first lane, the width of a lane, and of all where they are many. */
const [ROW, LEFT, LANE, LANES] = [32, 8, 16, 96];

const y = (row: number) => row * ROW + ROW / 2;

/** Commits of all branches, newest first, with the lines between them. */
export function Graph({ commits: { commits, isCut } }: { readonly commits: LakeCommits }) {
  if (commits.length === 0) return null;
  const placed = lanesOf(commits);
  const byHash = new Map(placed.map((each) => [each.commit.hash, each]));
  const last = Math.max(...placed.map(({ lane }) => lane));
  const wide = Math.min(LANE, LANES / Math.max(last, 1));
  const x = (lane: number) => LEFT + lane * wide;
  const height = commits.length * ROW;
  return (
    <section>
      <h3>Commits</h3>
      <div class="graph">
        <svg width={x(last) + LEFT} height={height} aria-hidden="true">
          {placed.flatMap((from) =>
            from.commit.parents.map((hash) => {
              const to = byHash.get(hash);
              const path = to ? edge(from, to, x) : `M${x(from.lane)} ${y(from.row)}V${height}`;
              return <path key={`${from.commit.hash} ${hash}`} d={path} />;
            }),
          )}
          {placed.map(({ commit, lane, row }) => (
            <circle
              key={commit.hash}
              class={commit.refs.length > 0 ? "named" : ""}
              cx={x(lane)}
              cy={y(row)}
              r={Math.min(4, wide / 2 + 1)}
            />
          ))}
        </svg>
        <ol>
          {commits.map((commit) => (
            <li key={commit.hash} style={{ height: `${ROW}px` }}>
              <span class="message" title={commit.message}>
                {commit.refs.map((name) => (
                  <span key={name} class="ref">
                    {name}
                  </span>
                ))}
                {commit.message}
              </span>
              <time dateTime={commit.time} title={commit.hash}>
                {minute(commit.time).slice(5)}
              </time>
            </li>
          ))}
        </ol>
      </div>
      {isCut && <p class="foot">Older commits are left out.</p>}
    </section>
  );
}

/** A branch that began at the parent turns into it at the end; the second parent of a merge is reached at the start. */
function edge(from: Placed, to: Placed, x: (lane: number) => number): string {
  const [x1, y1, x2, y2] = [x(from.lane), y(from.row), x(to.lane), y(to.row)];
  const half = ROW / 2;
  if (x1 === x2) return `M${x1} ${y1}V${y2}`;
  if (x1 > x2) return `M${x1} ${y1}V${y2 - ROW}C${x1} ${y2 - half} ${x2} ${y2 - half} ${x2} ${y2}`;
  return `M${x1} ${y1}C${x1} ${y1 + half} ${x2} ${y1 + half} ${x2} ${y1 + ROW}V${y2}`;
}

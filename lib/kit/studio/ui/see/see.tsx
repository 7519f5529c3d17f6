/// <reference lib="dom" />
import { useEffect, useState } from "preact/hooks";
import type { LakeCommits, LakeState, LogState } from "../../contract.js";
import { Icon } from "../base/icons.js";
import { ask, inWords } from "../base/server.js";
import { useWatched } from "../base/watched.js";
import { useStudio } from "../notebook/studio.js";
import { Graph } from "./graph.js";
import { LogView } from "./log.js";
import { SqlBox } from "./sql.js";
import { TableView } from "./table.js";
import { Tables } from "./tables.js";

interface Seen {
  readonly lake: LakeState;
  readonly commits: LakeCommits;
  readonly log: LogState;
}

async function look(ref: string): Promise<Seen> {
  const query = ref ? `?ref=${encodeURIComponent(ref)}` : "";
  const lake = await ask<LakeState>(`/studio/lake${query}`);
  if (!lake.exists) return { lake, commits: { commits: [], isCut: false }, log: { topics: [] } };
  const [commits, log] = await Promise.all([
    ask<LakeCommits>(`/studio/lake/commits${query}`),
    ask<LogState>("/studio/lake/log"),
  ]);
  return { lake, commits, log };
}

/** The lakehouse as the cells change it: looked at anew whenever the kernel comes to rest. */
export function See() {
  const { notebook } = useStudio();
  const isBusy = useWatched(notebook.kernel.state) === "busy";
  const [ref, setRef] = useState("");
  const [seen, setSeen] = useState<Seen | undefined>(undefined);
  const [trouble, setTrouble] = useState("");
  const [turn, setTurn] = useState(0);
  const [table, setTable] = useState<string | undefined>(undefined);
  useEffect(() => {
    // While cells run, what is there changes by the second: it is looked at when they have.
    if (isBusy && seen) return undefined;
    let isGone = false;
    look(ref).then(
      (found) => {
        if (isGone) return;
        setSeen(found);
        setTrouble("");
      },
      (error: unknown) => !isGone && setTrouble(inWords(error)),
    );
    return () => {
      isGone = true;
    };
  }, [isBusy, ref, turn]);

  if (trouble)
    return (
      <div class="see">
        <p class="trouble">{trouble}</p>
        <p class="actions">
          <button type="button" onClick={() => setTurn(turn + 1)}>
            Look again
          </button>
        </p>
      </div>
    );
  if (!seen)
    return (
      <div class="see">
        <p class="none">Looking …</p>
      </div>
    );
  const { lake, commits, log } = seen;
  if (!lake.exists)
    return (
      <div class="see">
        <p class="none">
          There is no lakehouse in <code>{lake.folder}</code> yet. The first cell that opens one makes it, and
          its tables appear here.
        </p>
      </div>
    );
  return (
    <div class="see">
      <div class="see-bar">
        <label>
          <span class="hidden">Branch or tag</span>
          <select value={lake.ref} onChange={({ currentTarget }) => setRef(currentTarget.value)}>
            {lake.refs.map(({ name, kind }) => (
              <option key={name} value={name}>
                {kind === "tag" ? `${name} (tag)` : name}
              </option>
            ))}
          </select>
        </label>
        <code class="folder">{lake.folder}</code>
        <button
          type="button"
          class="bare"
          aria-label="Look again"
          title="Look again"
          onClick={() => setTurn(turn + 1)}
        >
          <Icon name="restart" size={16} />
        </button>
      </div>
      {table !== undefined && lake.tables.some(({ name }) => name === table) ? (
        <TableView name={table} at={lake.ref} turn={turn} onBack={() => setTable(undefined)} />
      ) : (
        <>
          <Tables tables={lake.tables} onOpen={setTable} />
          <Graph commits={commits} />
          {log.topics.length > 0 && <LogView log={log} />}
        </>
      )}
      <SqlBox at={lake.ref} table={table ?? lake.tables[0]?.name} />
    </div>
  );
}

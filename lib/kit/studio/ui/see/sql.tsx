/// <reference lib="dom" />
import { useEffect, useMemo, useState } from "preact/hooks";
import type { SqlRequest, SqlResult } from "../../contract.js";
import { bytes, counted, seconds } from "../base/figures.js";
import { ask, inWords } from "../base/server.js";
import { Watched } from "../base/watched.js";
import { Editor } from "../editor/editor.js";
import { Chart } from "../outputs/chart.js";
import { Grid } from "../outputs/table.js";
import { chartOf } from "./chart-of.js";

interface SqlBoxProps {
  /** The branch or tag. */
  readonly at: string;
  /** A table to begin with. */
  readonly table: string | undefined;
}

const VIEWS = ["Rows", "Chart", "Plan"] as const;

/** A query over the branch that is shown: its rows, a chart of them, and which files it read. */
export function SqlBox({ at, table }: SqlBoxProps) {
  const source = useMemo(() => new Watched(sessionStorage.getItem("sql") ?? ""), []);
  const [result, setResult] = useState<SqlResult | undefined>(undefined);
  const [trouble, setTrouble] = useState("");
  const [isRunning, setRunning] = useState(false);
  const [view, setView] = useState<(typeof VIEWS)[number]>("Rows");
  useEffect(() => {
    if (source.value === "" && table) source.value = `select * from ${table} limit 20`;
  }, [table]);
  useEffect(() => source.watch(() => sessionStorage.setItem("sql", source.value)), [source]);
  async function run(): Promise<void> {
    setRunning(true);
    try {
      const request: SqlRequest = { sql: source.value, ref: at };
      setResult(await ask<SqlResult>("/studio/sql", "POST", request));
      setTrouble("");
    } catch (error) {
      setTrouble(inWords(error));
    } finally {
      setRunning(false);
    }
  }
  const keys = [
    {
      key: "Ctrl-Enter",
      mac: "Cmd-Enter",
      run: () => {
        void run();
        return true;
      },
    },
  ];
  const chart = useMemo(() => (result ? chartOf(result) : undefined), [result]);
  return (
    <section class="sql">
      <h3>SQL</h3>
      <div class="sql-editor">
        <Editor source={source} language="sql" label="SQL" keys={keys} inTabOrder hint="select …" />
      </div>
      <p class="actions">
        <button type="button" class="main" disabled={isRunning} onClick={() => void run()}>
          {isRunning ? "Running" : "Run"}
        </button>
        <span class="none">Ctrl Enter. Reads alone: nothing is changed.</span>
      </p>
      {trouble && (
        <p class="trouble" role="alert">
          {trouble}
        </p>
      )}
      {result && !trouble && (
        <>
          <div class="tabs">
            {VIEWS.filter((each) => each !== "Chart" || chart).map((each) => (
              <button key={each} type="button" aria-pressed={view === each} onClick={() => setView(each)}>
                {each}
              </button>
            ))}
            <span class="foot" role="status">
              {counted(result.rows.length, "row")}
              {result.isCut ? ", and more" : ""} in {seconds(result.milliseconds)}
            </span>
          </div>
          {(view === "Rows" || (view === "Chart" && !chart)) && <Rows result={result} />}
          {view === "Chart" && chart && <Chart spec={chart.spec} alt={chart.alt} title={chart.title} />}
          {view === "Plan" && <Plan result={result} />}
        </>
      )}
    </section>
  );
}

const NUMBERS = /INT|DOUBLE|FLOAT|DECIMAL|REAL/i;

function Rows({ result }: { readonly result: SqlResult }) {
  return (
    <div class="rows">
      <Grid
        label="Result of the query"
        columns={result.columns.map(({ name, type }) => ({
          label: name,
          align: NUMBERS.test(type) ? "right" : "left",
        }))}
        rows={result.rows}
      />
    </div>
  );
}

/** Which files of each table were read, as a part of all: the rest was proved to hold no row. */
function Plan({ result: { plan } }: { readonly result: SqlResult }) {
  if (plan.length === 0) return <p class="none">The query reads no table.</p>;
  return (
    <ul class="plan">
      {plan.map(({ table, filesRead, filesSkipped, bytesRead }) => {
        const all = filesRead + filesSkipped;
        return (
          <li key={table}>
            <p>
              <code>{table}</code>
            </p>
            <div class="files-read" role="img" aria-label={`${filesRead} of ${counted(all, "file")} read`}>
              <span class="read" style={{ flexGrow: String(filesRead) }} />
              <span class="skipped" style={{ flexGrow: String(filesSkipped) }} />
            </div>
            <p class="foot">
              {filesRead} of {counted(all, "file")} read ({bytes(bytesRead)}), {filesSkipped} skipped
            </p>
          </li>
        );
      })}
    </ul>
  );
}

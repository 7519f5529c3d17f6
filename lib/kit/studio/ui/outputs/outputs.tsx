import type { ChartSpec } from "../../../look/index.js";
import type { MimeBundle, Output, VEGA_LITE_MIME } from "../../../notebook/index.js";
import { markdownHtml } from "../base/markdown.js";
import { useWatched } from "../base/watched.js";
import type { StudioCell } from "../notebook/cell.js";
import { recordOf } from "../notebook/records.js";
import { Chart } from "./chart.js";
import { CheckCard } from "./check.js";
import { Frame } from "./frame.js";
import { RecordedTableView } from "./table.js";
import { TextOutput } from "./text.js";

const VEGA_LITE: typeof VEGA_LITE_MIME = "application/vnd.vegalite.v5+json";
const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/** What a cell has put out, each part in the best form that the studio knows. */
export function Outputs({ cell }: { readonly cell: StudioCell }) {
  const outputs = useWatched(cell.outputs);
  const { kind } = useWatched(cell.run);
  const isOld = kind === "running" || kind === "queued" ? "" : kind === "recorded" ? " recorded" : "";
  const views = grouped(outputs).map((group, index) => (
    <View key={index} group={group} isGrowing={kind === "running"} />
  ));
  if (views.length === 0) return null;
  return <div class={`outputs${isOld}`}>{views}</div>;
}

/** Facts that follow each other are one list. */
function grouped(outputs: readonly Output[]): Output[][] {
  const groups: Output[][] = [];
  for (const output of outputs) {
    const before = groups.at(-1)?.[0];
    if (before && recordOf(before, "fact") && recordOf(output, "fact")) groups.at(-1)?.push(output);
    else groups.push([output]);
  }
  return groups;
}

function View({ group, isGrowing }: { readonly group: readonly Output[]; readonly isGrowing: boolean }) {
  const output = group[0] as Output;
  if (output.output_type === "stream")
    return (
      <TextOutput
        text={output.text}
        kind={output.name === "stderr" ? "stderr" : "plain"}
        isGrowing={isGrowing}
      />
    );
  if (output.output_type === "error") {
    const traceback = output.traceback.join("\n");
    return <TextOutput text={traceback || `${output.ename}: ${output.evalue}`} kind="error" />;
  }
  return <Recorded group={group} output={output} />;
}

function Recorded({ group, output }: { readonly group: readonly Output[]; readonly output: Output }) {
  const data = (output as { readonly data: MimeBundle }).data;
  if (recordOf(output, "predict")) return null;
  if (recordOf(output, "fact")) return <Facts outputs={group} />;
  const table = recordOf(output, "table");
  if (table) return <RecordedTableView table={table} />;
  const check = recordOf(output, "check");
  if (check) return <CheckCard check={check} />;
  const figure = recordOf(output, "figure");
  const themed = data[VEGA_LITE] as ChartSpec | undefined;
  if (figure)
    return <Chart spec={{ ...figure.spec, data: themed?.data }} alt={figure.alt} title={figure.title} />;
  if (themed) return <Chart spec={themed} alt={text(data) || "Chart made by this cell"} />;
  return <Bundle data={data} />;
}

const text = (data: MimeBundle): string => String(data["text/plain"] ?? "");

function Bundle({ data }: { readonly data: MimeBundle }) {
  const alt = text(data) || "Picture made by this cell";
  const svg = data["image/svg+xml"];
  if (typeof svg === "string")
    return (
      <img
        class="output picture"
        alt={alt}
        src={`data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`}
      />
    );
  const mime = PICTURES.find((each) => each in data);
  if (mime)
    return (
      <img
        class="output picture"
        alt={alt}
        src={`data:${mime};base64,${String(data[mime]).replace(/\s/g, "")}`}
      />
    );
  if (typeof data["text/html"] === "string")
    return <Frame type="html" content={data["text/html"]} title="HTML output" />;
  if (typeof data["text/markdown"] === "string")
    return (
      <div class="output prose" dangerouslySetInnerHTML={{ __html: markdownHtml(data["text/markdown"]) }} />
    );
  if ("application/json" in data)
    return <TextOutput text={JSON.stringify(data["application/json"], null, 2)} />;
  return <TextOutput text={text(data)} />;
}

function Facts({ outputs }: { readonly outputs: readonly Output[] }) {
  return (
    <dl class="facts">
      {outputs.map((output) => {
        const fact = recordOf(output, "fact");
        if (!fact) return null;
        const { name, value, unit, note } = fact;
        const shown =
          typeof value === "number"
            ? value.toLocaleString("en-US", { maximumFractionDigits: 10 })
            : String(value);
        return (
          <div key={name}>
            <dt>
              <code>{name}</code>
            </dt>
            <dd>
              {shown}
              {unit ? (unit === "%" || unit === "x" ? unit : ` ${unit}`) : ""}
              {note && <small> {note}</small>}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

import type { LakeFile, TableDetail } from "../../contract.js";
import { bytes, counted, minute } from "../base/figures.js";
import { Grid } from "../outputs/table.js";

/** What has happened to a table, newest first. */
export function Snapshots({ detail: { snapshots } }: { readonly detail: TableDetail }) {
  if (snapshots.length === 0) return <p class="none">No snapshot: nothing has been written.</p>;
  return (
    <ol class="snapshots">
      {snapshots.map(({ id, time, operation, summary, isCurrent }) => (
        <li key={id} class={isCurrent ? "current" : ""}>
          <p>
            <strong>{operation}</strong>
            {isCurrent && <span class="ref">current</span>}
            <span class="figures">{changes(summary).join(", ")}</span>
          </p>
          <p class="foot">
            <time dateTime={time}>{minute(time)}</time> <code>{id}</code>
          </p>
        </li>
      ))}
    </ol>
  );
}

/** What a summary says was added and deleted, by the spec's own keys. */
function changes(summary: Readonly<Record<string, string>>): string[] {
  return [
    ["added-records", "+", "row"],
    ["deleted-records", "−", "row"],
    ["added-data-files", "+", "file"],
    ["deleted-data-files", "−", "file"],
    ["added-delete-files", "+", "delete file"],
  ].flatMap(([key = "", sign, what = ""]) => {
    const value = Number(summary[key] ?? 0);
    return value > 0 ? [`${sign}${counted(value, what)}`] : [];
  });
}

interface FilesProps {
  readonly detail: TableDetail;
  readonly onOpen: (file: LakeFile) => void;
}

/** Files by size, each with its bar; a click looks inside. */
export function Files({ detail: { files, filesCut, name }, onOpen }: FilesProps) {
  if (files.length === 0) return <p class="none">No file.</p>;
  const largest = Math.max(...files.map((file) => file.bytes));
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  return (
    <>
      <p class="foot">
        {counted(files.length, "file")}, {bytes(total)}
        {filesCut ? ": the largest of those that are there" : ""}
      </p>
      <ol class="files" aria-label={`Files of ${name}, the largest first`}>
        {[...files]
          .sort((a, b) => b.bytes - a.bytes)
          .map((file) => (
            <li key={file.path}>
              <button type="button" onClick={() => onOpen(file)} title={file.path}>
                <span class="bar" aria-hidden="true" style={{ width: `${(100 * file.bytes) / largest}%` }} />
                <span class="file-name">{file.partition || file.path.split("/").at(-1)}</span>
                <span class="figures">
                  {file.content === "data" ? "" : `${file.content}, `}
                  {counted(file.rows, "row")}, {bytes(file.bytes)}
                </span>
              </button>
            </li>
          ))}
      </ol>
    </>
  );
}

/** Columns, partitioning, sort order and properties. */
export function Schema({ detail }: { readonly detail: TableDetail }) {
  const { schema, partitioning, sortOrder, properties, name } = detail;
  const pairs = [
    ["Partitioned by", partitioning.join(", ") || "nothing"],
    ["Sorted by", sortOrder.join(", ") || "nothing"],
    ...Object.entries(properties),
  ];
  return (
    <>
      <Grid
        label={`Columns of ${name}`}
        columns={[
          { label: "id", align: "right" },
          { label: "column", align: "left" },
          { label: "type", align: "left" },
          { label: "notes", align: "left" },
        ]}
        rows={schema.map((field) => [
          String(field.id),
          field.name,
          field.type,
          [field.required ? "required" : "", field.doc ?? ""].filter(Boolean).join(", "),
        ])}
      />
      <dl class="pairs">
        {pairs.map(([key, value]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

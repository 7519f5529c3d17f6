/// <reference lib="dom" />
import { useEffect, useState } from "preact/hooks";
import type { LakeFile, TableDetail } from "../../contract.js";
import { scrolls } from "../base/scrolls.js";
import { ask, inWords } from "../base/server.js";
import { useWatched } from "../base/watched.js";
import { codeHtml } from "../editor/static.js";
import { useStudio } from "../notebook/studio.js";
import { FilePage } from "./file.js";
import { Files, Schema, Snapshots } from "./table-parts.js";

interface TableViewProps {
  readonly name: string;
  /** The branch or tag. */
  readonly at: string;
  readonly turn: number;
  readonly onBack: () => void;
}

const VIEWS = ["Snapshots", "Files", "Schema", "Metadata"] as const;

/** A table: what has happened to it, the files that it is made of, its schema and its metadata. */
export function TableView({ name, at, turn, onBack }: TableViewProps) {
  const { notebook } = useStudio();
  const isBusy = useWatched(notebook.kernel.state) === "busy";
  const [detail, setDetail] = useState<TableDetail | undefined>(undefined);
  const [trouble, setTrouble] = useState("");
  const [view, setView] = useState<(typeof VIEWS)[number]>("Snapshots");
  const [file, setFile] = useState<LakeFile | undefined>(undefined);
  useEffect(() => {
    if (isBusy && detail) return;
    ask<TableDetail>(`/studio/lake/tables/${encodeURIComponent(name)}?ref=${encodeURIComponent(at)}`).then(
      setDetail,
      (error: unknown) => setTrouble(inWords(error)),
    );
  }, [name, at, turn, isBusy]);
  if (file) return <FilePage file={file} onBack={() => setFile(undefined)} />;
  return (
    <section class="table-view">
      <nav class="crumbs" aria-label="Where this is">
        <button type="button" class="link" onClick={onBack}>
          Tables
        </button>
        <span aria-hidden="true">/</span>
        <strong>{name}</strong>
      </nav>
      {trouble && <p class="trouble">{trouble}</p>}
      {detail && (
        <>
          <div class="tabs">
            {VIEWS.map((each) => (
              <button key={each} type="button" aria-pressed={view === each} onClick={() => setView(each)}>
                {each}
              </button>
            ))}
          </div>
          {view === "Snapshots" && <Snapshots detail={detail} />}
          {view === "Files" && <Files detail={detail} onOpen={setFile} />}
          {view === "Schema" && <Schema detail={detail} />}
          {view === "Metadata" && (
            <div class="json" {...scrolls(`Metadata of ${name}`)}>
              <pre dangerouslySetInnerHTML={{ __html: codeHtml(detail.metadata, "javascript") }} />
            </div>
          )}
        </>
      )}
    </section>
  );
}

/// <reference lib="dom" />
import { useEffect, useRef, useState } from "preact/hooks";
import type { LakeFile } from "../../contract.js";
import { bytes, counted } from "../base/figures.js";
import { inWords } from "../base/server.js";

interface FilePageProps {
  readonly file: LakeFile;
  readonly onBack: () => void;
}

/** The most that is brought into the page. */
const MOST_BYTES = 256_000_000;

/** What is in a file: columns, bounds, where the bytes are. It is the site's own page that looks inside files. */
export function FilePage({ file, onBack }: FilePageProps) {
  const box = useRef<HTMLDivElement>(null);
  const [status, setStatus] = useState("Reading …");
  const name = file.path.split("/").at(-1) ?? file.path;
  useEffect(() => {
    let isGone = false;
    const show = async () => {
      if (file.bytes > MOST_BYTES)
        throw new Error(`It has ${bytes(file.bytes)}, which is more than this page reads.`);
      const response = await fetch(`/studio/lake/file?path=${encodeURIComponent(file.path)}`);
      if (!response.ok) throw new Error(`The file could not be read (${response.status}).`);
      const [blob, { fileView, inspectFile }] = await Promise.all([response.blob(), import("./inspect.js")]);
      const report = await inspectFile(name, blob);
      if (isGone) return;
      box.current?.replaceChildren(...fileView(report));
      setStatus("");
    };
    show().catch((error: unknown) => !isGone && setStatus(inWords(error)));
    return () => {
      isGone = true;
    };
  }, [file.path]);
  return (
    <section class="file-page">
      <nav class="crumbs" aria-label="Where this is">
        <button type="button" class="link" onClick={onBack}>
          Files
        </button>
        <span aria-hidden="true">/</span>
        <strong>{name}</strong>
      </nav>
      <p class="foot">
        <code>{file.path}</code>
      </p>
      <p class="foot">
        {file.partition ? `${file.partition}, ` : ""}
        {file.content}, {counted(file.rows, "row")}, {bytes(file.bytes)}
      </p>
      {status && <p role="status">{status}</p>}
      <div ref={box} class="inside" />
    </section>
  );
}

import { pageFiles } from "../../inspector/index.js";
import { cellAnchor } from "../html/provenance.js";
import type { MilestoneContent } from "../model/inputs.js";
import { INSIDE_PAGE, notebookPage, sampleAnchor } from "../model/site-map.js";
import { relativeUrl } from "../text/escape.js";
import type { Files } from "./media.js";

/** A file that a notebook wrote, for readers to open. */
export interface SampleItem {
  readonly anchor: string;
  readonly title: string;
  readonly href: string;
  /** The cell that kept it. */
  readonly cell: string;
  readonly label: string;
}

/** What the page that looks inside files needs: its programs, and the samples of all milestones that were run. */
export function insideFiles(all: readonly MilestoneContent[]): {
  readonly files: Files;
  readonly item: { readonly samples: readonly SampleItem[]; readonly decoderBytes: number | undefined };
} {
  const files: Files = new Map();
  const programs = pageFiles();
  for (const [name, bytes] of programs) files.set(`assets/${name}`, bytes);
  const samples: SampleItem[] = [];
  for (const content of all) {
    for (const { name, title, base64, cell } of content.recorded?.samples.values() ?? []) {
      const href = `samples/${name}.parquet`;
      files.set(href, Buffer.from(base64, "base64"));
      samples.push({
        anchor: sampleAnchor(name),
        title,
        href,
        cell: relativeUrl(INSIDE_PAGE, `${notebookPage(content)}#${cellAnchor(cell)}`),
        label: content.milestone.label,
      });
    }
  }
  return { files, item: { samples, decoderBytes: programs.get("parquet.wasm")?.length } };
}

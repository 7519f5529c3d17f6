/// <reference lib="dom" />
/** The site's page that looks inside files, for a file of the lakehouse: loaded when one is opened. */
import { type FileReport, inspectFile, fileView as wholeView } from "../../../inspector/index.js";

export { inspectFile };

/** The rows are what the SQL box is for. */
export function fileView(report: FileReport): HTMLElement[] {
  const note = document.createElement("p");
  note.textContent = "The SQL box below reads them.";
  return wholeView(report, note);
}

/**
 * The inspector: a page that looks inside Parquet files, in the reader's browser. Footers are read by the lakehouse's own
 * reader, which knows of each column what parquet-wasm does not tell (bounds, null counts, where its dictionary ends);
 * rows are decoded by parquet-wasm. `npm run build` makes the page's programs of the folder `page`; this gives them.
 */
export { fileView } from "./page/view.js";
export { type PageFiles, pageFiles, pageProgram } from "./page-files.js";
export { type FileReport, inspectFile } from "./report.js";

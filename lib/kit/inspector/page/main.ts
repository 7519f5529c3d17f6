/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { type FileReport, inspectFile } from "../report.js";
import { troubleWith, words } from "../trouble.js";
import { byId, bytes, count, element, table } from "./dom.js";
import type { FirstRows, RowsWanted } from "./rows.js";
import { fileView } from "./view.js";

/** The most that is read of a file to show rows of it: a row group may be as large as the file. */
const MOST_BYTES = 32_000_000;
const MOST_COLUMNS = 40;
const FIRST_ROWS = 20;

const script = document.currentScript as HTMLScriptElement;
const base = new URL(".", script.src);
const decoderBytes = Number(script.dataset.decoder);

const result = byId("inside");
const status = byId("inside-status");
const input = byId<HTMLInputElement>("inside-file");
const drop = byId("inside-drop");
/** What is asked for last wins: a large footer may take longer than the next small one. */
let turn = 0;

async function open(name: string, get: () => Promise<Blob>, focus: boolean): Promise<void> {
  const mine = ++turn;
  status.textContent = `Reading ${name} …`;
  status.classList.remove("trouble");
  let file: Blob | undefined;
  try {
    file = await get();
    const report = await inspectFile(name, file);
    if (mine !== turn) return;
    result.replaceChildren(...fileView(report, rowsView(report, file)));
    status.textContent = "";
    if (focus) byId("opened").focus();
  } catch (error) {
    if (mine !== turn) return;
    result.replaceChildren();
    status.textContent = file
      ? await troubleWith(name, file, error)
      : `${name} could not be read: ${words(error)}`;
    status.classList.add("trouble");
  }
}

/** A button that decodes the first rows; the decoder is large, so it is loaded when it is wanted. */
function rowsView(report: FileReport, file: Blob): HTMLElement {
  const box = element("div");
  const rowGroup = report.rowGroups.findIndex(({ rows }) => rows > 0n);
  if (rowGroup < 0) {
    box.append(element("p", {}, "The file has no rows."));
    return box;
  }
  const { names, left, size } = affordable(report, rowGroup);
  const button = element("button", { type: "button", class: "plain" }, `Show the first ${FIRST_ROWS} rows`);
  const note = element(
    "p",
    { role: "status" },
    names.length === 0
      ? `The first column of the first row group takes more than ${bytes(MOST_BYTES)}, which is more than this page reads.`
      : `Reads ${bytes(size)} of the file${left > 0 ? `, for ${count(names.length)} of ${count(names.length + left)} columns` : ""}, and loads a decoder of ${bytes(decoderBytes)} once.`,
  );
  if (names.length > 0) box.append(button);
  box.append(note);
  button.addEventListener("click", async () => {
    button.disabled = true;
    note.textContent = "Decoding …";
    try {
      const { firstRows } = (await import(new URL("look-inside-rows.js", base).href)) as {
        firstRows(from: Blob, wanted: RowsWanted): Promise<FirstRows>;
      };
      const columns = left > 0 ? names : undefined;
      const read = await firstRows(file, { columns, rowGroup, limit: FIRST_ROWS });
      const shown = table<readonly string[]>(
        `First rows of ${report.name}`,
        read.names.map((label, index) => ({ label, cell: (row) => row[index] ?? "" })),
        read.rows,
      );
      box.replaceChildren(shown);
      (shown.matches("[tabindex]") ? shown : shown.querySelector<HTMLElement>("[tabindex]"))?.focus();
    } catch (error) {
      button.disabled = false;
      note.textContent =
        location.protocol === "file:"
          ? "Decoding needs the page to come from a server, even a small one. Run: slh content serve"
          : `The rows could not be decoded: ${words(error)}`;
    }
  });
  return box;
}

/** The columns at the top of the schema that can be read within the limits, in the order of the file. */
function affordable(
  { footer }: FileReport,
  rowGroup: number,
): { names: string[]; left: number; size: number } {
  const sizes = new Map<string, number>();
  for (const [index, { path }] of footer.columns.entries()) {
    const size = Number(footer.rowGroups[rowGroup]?.columns[index]?.compressedSize ?? 0n);
    sizes.set(path[0] ?? "", (sizes.get(path[0] ?? "") ?? 0) + size);
  }
  const names: string[] = [];
  let total = 0;
  for (const [name, size] of sizes) {
    if (names.length === MOST_COLUMNS) break;
    if (total + size > MOST_BYTES) continue;
    names.push(name);
    total += size;
  }
  return { names, left: sizes.size - names.length, size: total };
}

async function openSample(link: HTMLAnchorElement, focus: boolean): Promise<void> {
  const name = decodeURIComponent(link.pathname.split("/").at(-1) ?? "");
  await open(
    name,
    async () => {
      const response = await fetch(link.href).catch(() => undefined);
      if (response?.ok) return response.blob();
      throw new Error(
        location.protocol === "file:"
          ? "a page opened from a file may not load another. Choose the file instead, or run: slh content serve"
          : "it could not be loaded.",
      );
    },
    focus,
  );
}

function chosen(files: FileList | undefined | null): void {
  const [file] = files ?? [];
  if (!file) {
    status.textContent = "That was no file. Drop one file, not a folder or a text.";
    status.classList.add("trouble");
    return;
  }
  void open(file.name, async () => file, true);
}

const samples = [...document.querySelectorAll<HTMLAnchorElement>("a[data-sample]")];
for (const link of samples)
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void openSample(link, true);
  });
input.addEventListener("change", () => {
  if (input.files?.length) chosen(input.files);
});
for (const kind of ["dragenter", "dragover"])
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
document.addEventListener("dragleave", ({ relatedTarget }) => {
  if (relatedTarget === null) drop.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  chosen(event.dataTransfer?.files);
});

/** A link from a text may name a sample; else the first one is shown, so that there is something to see. */
function fromAddress(): void {
  const named = samples.find(({ parentElement }) => location.hash === `#${parentElement?.id}`);
  const [first] = samples;
  if (named) void openSample(named, false);
  else if (first && turn === 0 && location.protocol !== "file:") void openSample(first, false);
}
addEventListener("hashchange", fromAddress);
fromAddress();

import { columns, ink } from "../../terminal/index.js";
import type { BranchingCatalog } from "../branching-catalog.js";
import type { TableContents, TableDiff } from "../model/table-diff.js";
import type { LoggedCommit } from "../versioned/commits.js";
import type { Reference } from "../versioned/refs.js";

/** As many digits as are clear for long, and as the catalog takes in place of the whole hash. */
export const short = (hash: string): string => hash.slice(0, 12);

/** `2026-11-20 22:01:13`, in UTC as everywhere on the command line. */
export const time = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().slice(0, 19).replace("T", " ");

/** The branches and tags that are at a commit, in brackets and colours. */
export function refsAt(refs: readonly Reference[], hash: string): string {
  const names = refs
    .filter((ref) => ref.hash === hash)
    .map(({ type, name }) => ink(type === "TAG" ? `tag ${name}` : name, type === "TAG" ? "amber" : "green"));
  return names.length === 0 ? "" : `(${names.join(", ")})`;
}

/** What a commit did, by name: tables and views, and namespaces where there is nothing else. */
export function changedNames({ operations }: LoggedCommit): string[] {
  const tables = operations.filter(
    (operation) => operation.type === "DELETE" || operation.content.type !== "NAMESPACE",
  );
  const shown = tables.length > 0 ? tables : operations;
  return shown.map(({ type, key }) => `${type === "DELETE" ? "-" : ""}${key.join(".")}`);
}

const SIGNS = { added: "+", removed: "-", changed: "~", renamed: ">" } as const;
const INKS = { added: "green", removed: "red", changed: "amber", renamed: "ice" } as const;

/** A line for each difference: a sign, the name, and what changed in it. */
export function diffLines(diffs: readonly TableDiff[]): string[] {
  const rows = diffs.map((diff) => [
    ink(SIGNS[diff.change], INKS[diff.change]),
    diff.renamedFrom === undefined ? diff.name : `${diff.renamedFrom} → ${diff.name}`,
    ...counts(diff),
  ]);
  return columns(rows, "<<>>><").map((line) => `  ${line}`);
}

/** Snapshots, rows and files, and a note: what there is of something new or gone, else by how much it changed. */
function counts({ type, before, after }: TableDiff): string[] {
  if (type === "NAMESPACE") return ["", "", "", "namespace"];
  if (type === "ICEBERG_VIEW") return ["", "", "", "view"];
  const nothing: TableContents = { rows: 0n, files: 0n, bytes: 0n, snapshots: [], schemaId: 0, specId: 0 };
  const [old, now] = [before ?? nothing, after ?? nothing];
  const isEmpty =
    (before ?? after)?.snapshots.length === 0 && now.snapshots.length + old.snapshots.length === 0;
  const notes = [
    ...(isEmpty ? ["empty"] : []),
    ...(before && after && before.schemaId !== after.schemaId ? ["schema changed"] : []),
    ...(before && after && before.specId !== after.specId ? ["partitioning changed"] : []),
  ];
  return [
    snapshots(old, now),
    change(now.rows - old.rows, "row"),
    change(now.files - old.files, "file"),
    notes.join(", "),
  ];
}

/** `+2 −1 snapshots`: what is only on one side. Counting would hide that both sides went on. */
function snapshots(before: TableContents, after: TableContents): string {
  const added = after.snapshots.filter((id) => !before.snapshots.includes(id)).length;
  const removed = before.snapshots.filter((id) => !after.snapshots.includes(id)).length;
  const parts = [...(added > 0 ? [`+${added}`] : []), ...(removed > 0 ? [`−${removed}`] : [])];
  return parts.length === 0 ? "" : `${parts.join(" ")} ${added + removed === 1 ? "snapshot" : "snapshots"}`;
}

function change(by: bigint, unit: string): string {
  if (by === 0n) return "";
  const size = by < 0n ? -by : by;
  return `${by < 0n ? "−" : "+"}${size.toLocaleString("en-US")} ${size === 1n ? unit : `${unit}s`}`;
}

/** For `--json`: 64-bit ids as text, counts as numbers. */
export function diffToJson(diffs: readonly TableDiff[]): unknown[] {
  const state = (of: TableContents | undefined) =>
    of && {
      rows: Number(of.rows),
      files: Number(of.files),
      bytes: Number(of.bytes),
      snapshots: of.snapshots.map(String),
    };
  return diffs.map(({ name, type, change, renamedFrom, before, after }) => ({
    name,
    type,
    change,
    renamedFrom,
    before: state(before),
    after: state(after),
  }));
}

/** A ref as written, with the hash that it has now: `etl (3f2a9c1b77e0)`. */
export async function named(catalog: BranchingCatalog, ref: string): Promise<string> {
  return `${ref.replace(/^@[0-9a-f]+/i, (hash) => short(hash.slice(1)))} (${short(await catalog.on(ref).hash())})`;
}

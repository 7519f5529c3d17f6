import { isLakehouseError } from "sololakehouse/errors";

/** How files begin that people take for Parquet. */
const OTHERS: readonly (readonly [start: string, what: string])[] = [
  ["Obj\u0001", "an Avro file, as Iceberg's manifests are"],
  ["ORC", "an ORC file"],
  ["ARROW1", "an Arrow file"],
  ["PFA1", "a Puffin file, which holds statistics or deletion vectors of Iceberg"],
  ["PK\u0003\u0004", "a ZIP archive: unpack it first"],
  ["\u001f\u008b", "compressed with gzip: unpack it first"],
  ["SQLite format 3", "an SQLite database"],
  ["{", "JSON by the look of it"],
  ["[", "JSON by the look of it"],
];

/** Why a file could not be read, for its reader: what it is if it is something else, else what is wrong with it. */
export async function troubleWith(name: string, file: Blob, error: unknown): Promise<string> {
  if (!isLakehouseError(error)) return `${name} could not be read: ${words(error)}`;
  if (error.code === "UNSUPPORTED_FEATURE") return withoutRemedy(error.message, error.remedy);
  if (file.size === 0) return `${name} is empty: it has no bytes at all.`;
  const start = String.fromCharCode(...new Uint8Array(await file.slice(0, 16).arrayBuffer()));
  const other = OTHERS.find(([magic]) => start.startsWith(magic));
  if (other) return `${name} is no Parquet file. It is ${other[1]}.`;
  if (!start.startsWith("PAR1"))
    return `${name} is no Parquet file: those begin and end with the letters PAR1.`;
  const end = String.fromCharCode(...new Uint8Array(await file.slice(-4).arrayBuffer()));
  return end === "PAR1"
    ? withoutRemedy(error.message, error.remedy)
    : `${name} begins as a Parquet file and does not end as one: its footer is missing. It was cut off, or its writer has not finished.`;
}

const withoutRemedy = (message: string, remedy = "") => message.replace(remedy, "").trim();

export const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));

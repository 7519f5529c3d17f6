import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, parse } from "node:path";
import { invalidArgument } from "sololakehouse/errors";
import { recorder } from "./recorder.js";

/**
 * The path of a data set's file, and a note that this notebook reads it: its outputs then go stale when the file
 * changes.
 *
 * The data sets are the files of the npm package vega-datasets: `flights-3m` (3,000,000 US flights of 2001, US DOT),
 * `airports`, `zipcodes`, `birdstrikes` and more; with the extension where a name has several.
 *
 * @throws LakehouseError `INVALID_ARGUMENT` when there is no such file.
 * @example const flights = dataset("flights-3m"); // …/flights-3m.parquet
 */
export function dataset(name: string): string {
  const path = datasetPath(name);
  recorder().datasets.set(name, path);
  return path;
}

/** The same without the note. */
export function datasetPath(name: string): string {
  const folder = join(dirname(createRequire(import.meta.url).resolve("vega-datasets")), "..", "data");
  const files = readdirSync(folder).sort();
  const found = files.includes(name) ? [name] : files.filter((file) => parse(file).name === name);
  const [file] = found;
  if (file !== undefined && found.length === 1) return join(folder, file);
  throw invalidArgument(
    name,
    file ? `The data set ${name} comes in several files.` : `There is no data set ${name}.`,
    file
      ? `Choose from ${found.join(", ")}.`
      : "See the README of the npm package vega-datasets for their names.",
  );
}

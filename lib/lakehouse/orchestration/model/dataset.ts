import { invalidArgument } from "../../errors.js";
import type { Contract } from "../../quality/index.js";

/** A topic of the log, as a step reads or writes it. */
export interface TopicDataset {
  readonly topic: string;
}

/** What a step reads or writes: a table by its name or its contract, or a topic. */
// biome-ignore lint/suspicious/noExplicitAny: a contract of any rows; its row type is taken from it where it is known
export type Dataset = string | Contract<any> | TopicDataset;

/** By the names that the step's function has for them. */
export type Datasets = Readonly<Record<string, Dataset>>;

/** The rows of a table as its contract has them. */
export type RowOfDataset<D> = D extends Contract<infer Row> ? Row : Record<string, unknown>;

/** The names of those that are tables. */
export type TableNames<D extends Datasets> = {
  [Name in keyof D & string]: D[Name] extends TopicDataset ? never : Name;
}[keyof D & string];

/**
 * A topic as a step's input or output.
 *
 * @example step({ name: "ingest", reads: { events: topic("flight-events") }, … })
 */
export function topic(name: string): TopicDataset {
  if (typeof name !== "string" || name === "")
    throw invalidArgument("topic", "A topic is given by its name.", 'Write topic("flight-events").');
  return { topic: name };
}

/** What a dataset is, whoever names it: two of one key are the same. */
export interface DatasetKey {
  readonly kind: "table" | "topic";
  readonly name: string;
}

/** @throws LakehouseError INVALID_ARGUMENT for what names none. */
export function datasetKey(step: string, given: Dataset): DatasetKey {
  if (typeof given === "string" && /^[^.]+(\.[^.]+)+$/.test(given)) return { kind: "table", name: given };
  if (typeof given === "object" && given !== null) {
    if ("topic" in given && typeof given.topic === "string") return { kind: "topic", name: given.topic };
    if ("name" in given && typeof given.name === "string") return { kind: "table", name: given.name };
  }
  throw invalidArgument(
    step,
    `${step} names ${JSON.stringify(given)}, which is no table and no topic.`,
    'A table is given as "silver.flights" or by its contract, a topic as topic("flight-events").',
  );
}

/** As it is shown: `silver.flights`, `topic:flight-events`. */
export const datasetText = ({ kind, name }: DatasetKey): string =>
  kind === "topic" ? `topic:${name}` : name;

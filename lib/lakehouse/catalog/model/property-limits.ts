import { invalidArgument } from "../../errors.js";
import { checkObject } from "../../options.js";
import type { Properties } from "./catalog.js";

/** A namespace's properties lie in the catalog's tree, beside the entries of tables: every load of one reads them. */
const NAMESPACE_BYTES = 64 << 10;
/** Those of tables and views lie in metadata files. A name mapping of some thousand columns must fit. */
const METADATA_BYTES = 4 << 20;

/** Throws `INVALID_ARGUMENT` for properties that are longer together than a namespace, table or view may have. */
export function checkPropertySize(
  noun: "namespace" | "table" | "view",
  name: string,
  properties: Properties,
): void {
  const limit = noun === "namespace" ? NAMESPACE_BYTES : METADATA_BYTES;
  let size = 0;
  let longest: readonly [name: string, length: number] = ["", 0];
  checkObject(noun, "properties", properties);
  for (const [property, value] of Object.entries(properties)) {
    if (typeof value !== "string") {
      throw invalidArgument(property, `The property ${property} of the ${noun} ${name} is no text.`);
    }
    const length = Buffer.byteLength(property) + Buffer.byteLength(value);
    size += length;
    if (length > longest[1]) longest = [property, length];
  }
  if (size <= limit) return;
  throw invalidArgument(
    name,
    `The properties of the ${noun} ${name} have ${size} bytes; ${limit} are allowed. The longest is ${longest[0].slice(0, 100)} with ${longest[1]}.`,
    "Keep long values in a table or a file, and its name here.",
  );
}

import { CHANGES } from "./zoo/changes.js";
import { PARTITIONS } from "./zoo/partitions.js";
import { TYPES } from "./zoo/types.js";
import type { ZooTable } from "./zoo/zoo-table.js";

export type { ZooTable } from "./zoo/zoo-table.js";

/** The tables that we write for other engines to read. */
export const ZOO: readonly ZooTable[] = [...TYPES, ...PARTITIONS, ...CHANGES];

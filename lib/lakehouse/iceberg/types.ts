/** All data types of the room in one place; each lives with the spec concept that it belongs to. */
export type * from "./expressions/types.js";
export type * from "./manifest/types.js";
export type * from "./metadata/types.js";
export type * from "./partitioning/types.js";
export type * from "./schema/types.js";
export type * from "./updates/types.js";

import type { Room } from "../room.js";
import * as errors from "./errors.js";

/** Parquet, for the wiring. */
export const parquetRoom = { name: "parquet", errors } as const satisfies Room;

import type { Room } from "../room.js";
import * as errors from "./errors.js";
import { metrics } from "./table/metrics.js";

/** The table format, for the wiring. */
export const icebergRoom = { name: "iceberg", errors, metrics } as const satisfies Room;

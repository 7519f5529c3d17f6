import type { Room } from "../room.js";
import * as errors from "./errors.js";

/** The table format, for the wiring. */
export const icebergRoom = { name: "iceberg", errors } as const satisfies Room;

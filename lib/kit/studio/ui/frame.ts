/// <reference lib="dom" />
/** The program of the frame of outputs: see `ToFrame` in `contract.ts`. */
import type { FromFrame } from "../contract.js";

const tell = (message: FromFrame) => parent.postMessage(message, "*");

tell({ type: "ready" });

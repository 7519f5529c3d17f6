import type { AddCommands } from "../room.js";
import type { QualityContext } from "./check.js";
export const qualityCommands: AddCommands<QualityContext> = () => {};

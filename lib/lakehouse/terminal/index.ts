/**
 * The terminal: what the rooms' commands share. How they print, what their arguments mean, how they end. It stands on the
 * ground and loads quickly, as a help text does.
 */
export { oneOf, portNumber, toRef, wholeNumber } from "./arguments.js";
export { ask } from "./ask.js";
export { printable, widthOf } from "./characters.js";
export {
  type Crossing,
  type Graph,
  type GraphCommit,
  type GraphEdge,
  type GraphRow,
  layOutGraph,
} from "./commit-graph.js";
export { interruptible } from "./interruptible.js";
export { reportError, run } from "./run.js";
export { Spool } from "./spool.js";
export { stoppable, stopSignal } from "./stop-signal.js";
export {
  byteSize,
  columns,
  count,
  duration,
  type Ink,
  ink,
  type JsonReady,
  ProgressLine,
  printJson,
  printJsonLine,
  printLine,
} from "./text.js";

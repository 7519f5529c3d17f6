/**
 * Content: prose pulls facts, figures, tables and cells out of executed notebooks by name, and becomes the site,
 * posts and scripts. Rules of every channel are checked with file and line. How to write: README.md in this folder.
 */
import type * as building from "./build.js";
import type * as previewing from "./preview.js";
import type * as state from "./project/state.js";

export type { BuildOptions, BuildReport } from "./build.js";
export { contentCommands } from "./commands.js";
export { contentDone } from "./done.js";

export { checkContent, type Judgement } from "./judge.js";
export { type Bound, bind, substitute } from "./model/bind.js";
export {
  type MilestoneContent,
  type OutputState,
  type Piece,
  type PieceName,
  pieceFromText,
} from "./model/inputs.js";
export { loadContent } from "./model/load.js";
export { plainInsertion } from "./pieces/linkedin-text.js";
export { breaks, type CheckResult, fail, pass, verdict } from "./pieces/result.js";
export { clock, SPEAKING_RATE } from "./pieces/script.js";
export type { MilestonePreview, PiecePreview } from "./preview.js";
export type { Channel } from "./project/channels.js";
export type { PlanEntry, PlanState } from "./project/plan.js";
export { printStanding } from "./project/print.js";
export type { MilestoneProgress } from "./project/progress.js";
export type { KeptPromise } from "./project/promises.js";
export type { ProjectState } from "./project/state.js";
export { saveDiagrams } from "./save-diagrams.js";
export { type SiteServer, serveSite } from "./site/serve.js";
export { type Card, type Cards, type Evidence, readCards, spoken } from "./spoken/cards.js";
export { type Design, type Designs, designText, givenTexts, readDesigns, solved } from "./spoken/designs.js";
export {
  LENGTHS,
  type Minutes,
  readTalk,
  type Talk,
  type TalkSlide,
  type TalkSource,
  talkSource,
} from "./spoken/talk.js";
export type { Problem } from "./text/insertions.js";
export {
  type Braces,
  type Place,
  parseSource,
  readSource,
  type Source,
  type SourceHeading,
} from "./text/source.js";
export type { Link, Zone } from "./text/zones.js";

/** See `build.ts`, which is loaded on the first call: it brings along all that draws and highlights. */
export const buildContent: typeof building.buildContent = async (...given) =>
  (await import("./build.js")).buildContent(...given);

/** See `project/state.ts`, loaded on the first call, too. */
export const readProjectState: typeof state.readProjectState = async (...given) =>
  (await import("./project/state.js")).readProjectState(...given);

/** See `preview.ts`, likewise. */
export const previewMilestone: typeof previewing.previewMilestone = async (...given) =>
  (await import("./preview.js")).previewMilestone(...given);

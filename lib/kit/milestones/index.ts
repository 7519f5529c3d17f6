/**
 * The milestones, twelve with a number and those beside them: where they are, what each `milestone.yaml` declares, and the
 * shape of a Definition of Done. The rooms above compute its lines; nothing here knows of notebooks' insides or of content.
 */
export type { DoneCheck, DoneItem } from "./done.js";
export {
  listMilestones,
  type Milestone,
  type MilestoneId,
  PIECE_KINDS,
  type PieceKind,
  type Profile,
  parseMilestone,
  selectMilestones,
} from "./milestone.js";
export { findProject, keptInLake, type Project, projectAt } from "./project.js";

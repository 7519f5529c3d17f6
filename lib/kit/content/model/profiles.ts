import { compareProfiles, type ProfileFact, profileProblems, type StackFacts } from "../../notebook/index.js";
import type { MilestoneContent } from "./inputs.js";

/** What a milestone recorded on both profiles. */
export interface Profiles {
  readonly facts: readonly ProfileFact[];
  readonly services: StackFacts["services"];
  /** Sentences on facts that should be equal, and are not. */
  readonly problems: readonly string[];
}

/** Undefined where there are no fresh facts of either. */
export function profilesOf({ recorded, onStack, milestone }: MilestoneContent): Profiles | undefined {
  if (!recorded || onStack?.state !== "fresh" || !onStack.recorded) return undefined;
  const { facts: stack, services } = onStack.recorded;
  const facts = compareProfiles(recorded.facts, stack, milestone.differs);
  return { facts, services, problems: profileProblems(facts, milestone.differs) };
}

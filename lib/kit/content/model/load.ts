import { listMilestones, type Milestone, type Project } from "../../milestones/index.js";
import { freshOutputs, onStack, placeOf, steadily } from "../../notebook/index.js";
import { type MilestoneContent, readContent } from "./inputs.js";

/** Reads all milestones with their pieces and the freshest outputs that there are. */
export async function loadContent(project: Project): Promise<MilestoneContent[]> {
  const milestones = await listMilestones(project);
  return steadily(() =>
    Promise.all(
      milestones.map(async (milestone) =>
        readContent(project, milestone, {
          ...(await loadOutputs(project, milestone)),
          onStack: milestone.profiles.includes("stack")
            ? await onStack(placeOf(milestone, project))
            : undefined,
        }),
      ),
    ),
  );
}

/** The copy run on this machine, when it is fresh; else the committed one, when that is; else neither is built from. */
async function loadOutputs(
  project: Project,
  milestone: Milestone,
): Promise<Pick<MilestoneContent, "state" | "recorded">> {
  const place = placeOf(milestone, project);
  const { status, recorded } = await freshOutputs(place);
  const { machine, committed } = status;
  if (recorded) return { state: { kind: "fresh" }, recorded };
  if (machine.state === "failed") {
    return { state: { kind: "failed", reasons: machine.reasons }, recorded: undefined };
  }
  const kinds = [machine, committed];
  const stale = kinds.find(({ state }) => state === "stale");
  if (stale) return { state: { kind: "stale", reasons: stale.reasons }, recorded: undefined };
  return {
    state: { kind: machine.state === "not started" ? "not-started" : "missing" },
    recorded: undefined,
  };
}

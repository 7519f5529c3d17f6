import type { FastifyInstance } from "fastify";
import { type Card, readCards, spoken } from "../../content/index.js";
import { GRADES, type GradeName, type Loaded, loadForPractice, Schedule } from "../../interview/index.js";
import type { Project } from "../../milestones/index.js";
import type { DrillAnswer, DrillCard, DrillState } from "../contract.js";
import { bodyOf } from "../http/body.js";
import { Refused } from "../http/refused.js";

interface Practice extends Loaded {
  readonly cards: readonly Card[];
}

/** `/studio/drills`: see `contract.ts`. The schedule is the one of `slh interview drill`. */
export function serveDrills(app: FastifyInstance, project: Project): void {
  let loaded: Promise<Practice> | undefined;
  const load = async (): Promise<Practice> => {
    const found = await loadForPractice(project);
    return { ...found, cards: readCards(project, found.all).cards };
  };
  const stateOf = (practice: Practice, subject: string | undefined, after?: Card): DrillState => {
    const { all, cards, older } = practice;
    const own = cards.filter((card) => subject === undefined || card.own.milestone.id === subject);
    const schedule = Schedule.open(project);
    const due = schedule.due(own, new Date());
    const seen = schedule.seen(own);
    // A question that was answered a moment ago is not asked again at once, if there is another.
    const next = due.find((card) => card !== after) ?? due[0];
    return {
      all: own.length,
      seen,
      due: due.length - (own.length - seen),
      older,
      card: next && shown(next, all),
    };
  };

  // Figures are read anew when the questions are opened, and kept while they are answered.
  app.get<{ Querystring: { milestone?: string } }>("/studio/drills", async ({ query }) => {
    loaded = load();
    return stateOf(await loaded, query.milestone);
  });
  app.post("/studio/drills", async ({ body }): Promise<DrillState> => {
    const { card: id, grade, milestone } = bodyOf<DrillAnswer>(body, { card: "string", grade: "string" });
    loaded ??= load();
    const practice = await loaded;
    const card = practice.cards.find((each) => each.id === id);
    if (!card) throw new Refused(404, "NOT_FOUND", `There is no question ${id}.`);
    if (!Object.hasOwn(GRADES, grade))
      throw new Refused(400, "BAD_REQUEST", `${grade} is no grade: ${Object.keys(GRADES).join(", ")} are.`);
    const again = Schedule.open(project).answered(card, grade as GradeName, new Date());
    return { ...stateOf(practice, milestone, card), again: again.toISOString() };
  });
}

function shown(card: Card, all: Loaded["all"]): DrillCard {
  const { id, own, evidence } = card;
  const { milestone } = own;
  return {
    id,
    label: milestone.label,
    ask: spoken(card.ask, card, all),
    answer: spoken(card.answer, card, all),
    follows: spoken(card.then, card, all),
    evidence: evidence.map(({ kind, name }) => ({
      kind,
      name,
      cell: placeOf(card, kind, name),
    })),
  };
}

/** Where the studio shows it: the milestone and the cell, `m03/append`. A decision is none of a notebook's. */
function placeOf({ own }: Card, kind: string, name: string): string | undefined {
  const { milestone, recorded } = own;
  const cell =
    kind === "cell"
      ? recorded?.cell(name)?.ref.id
      : kind === "fact"
        ? recorded?.facts.get(name)?.cell.id
        : undefined;
  return cell === undefined ? undefined : `${milestone.id}/${cell}`;
}

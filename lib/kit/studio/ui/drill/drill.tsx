import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { DrillAnswer, DrillCard, DrillState } from "../../contract.js";
import { counted } from "../base/figures.js";
import { notify } from "../base/notices.js";
import { showNotebook } from "../base/place.js";
import { ask, inWords } from "../base/server.js";
import { useStudio } from "../notebook/studio.js";

type Grade = DrillAnswer["grade"];

const GRADES: readonly (readonly [Grade, string])[] = [
  ["again", "Again"],
  ["hard", "Hard"],
  ["good", "Good"],
  ["easy", "Easy"],
];

/** Interview questions, one after the other: answer aloud, look, and say how well you knew it. The schedule is the terminal's. */
export function Drill() {
  const { notebook } = useStudio();
  const own = notebook.milestone;
  const [isOwn, setOwn] = useState(false);
  const [state, setState] = useState<DrillState | undefined>(undefined);
  const [isOpen, setOpen] = useState(false);
  const subject = isOwn ? own.id : undefined;
  useEffect(() => {
    if (!isOpen) return undefined;
    let isGone = false;
    setState(undefined);
    ask<DrillState>(`/studio/drills${subject ? `?milestone=${subject}` : ""}`).then(
      (found) => !isGone && setState(found),
      (error: unknown) => !isGone && notify(inWords(error), "trouble"),
    );
    return () => {
      isGone = true;
    };
  }, [isOpen, subject]);

  async function grade(card: DrillCard, given: Grade): Promise<void> {
    try {
      const answer: DrillAnswer = { card: card.id, grade: given, ...(subject ? { milestone: subject } : {}) };
      setState(await ask<DrillState>("/studio/drills", "POST", answer));
    } catch (error) {
      notify(inWords(error), "trouble");
    }
  }

  return (
    <section class="drill">
      <h3>Interview questions</h3>
      {!isOpen ? (
        <p class="actions">
          <button type="button" onClick={() => setOpen(true)}>
            Drill
          </button>
        </p>
      ) : (
        <>
          <p class="tabs">
            {[false, true].map((each) => (
              <button
                key={String(each)}
                type="button"
                aria-pressed={isOwn === each}
                onClick={() => setOwn(each)}
              >
                {each ? `${own.label} alone` : "All milestones"}
              </button>
            ))}
          </p>
          {state ? (
            <>
              <Standing state={state} />
              {state.card ? (
                <Question
                  key={state.card.id}
                  card={state.card}
                  onGrade={(given) => grade(state.card as DrillCard, given)}
                />
              ) : (
                <p>
                  {state.all === 0
                    ? "This milestone has none."
                    : "None is due. The next ones come when they are."}
                </p>
              )}
            </>
          ) : (
            <p class="none">Reading …</p>
          )}
        </>
      )}
    </section>
  );
}

function Standing({ state: { all, seen, due, older, again } }: { readonly state: DrillState }) {
  return (
    <>
      <p class="none" role="status">
        {again && `That one comes again ${when(again)}. `}
        {due} due, {all - seen} new, {all} in all.
      </p>
      {older.length > 0 && (
        <p class="none">The figures of {older.join(", ")} are of a run that is older than the code.</p>
      )}
    </>
  );
}

interface QuestionProps {
  readonly card: DrillCard;
  readonly onGrade: (grade: Grade) => Promise<void>;
}

function Question({ card, onGrade }: QuestionProps) {
  const [isShown, setShown] = useState(false);
  const [isSent, setSent] = useState(false);
  const first = useRef<HTMLButtonElement>(null);
  // The keyboard goes where the next key is wanted: to the answer's button, then to the grades.
  useLayoutEffect(() => first.current?.focus(), [isShown]);
  const send = async (grade: Grade) => {
    if (isSent) return;
    setSent(true);
    await onGrade(grade);
    setSent(false);
    setShown(false);
  };
  return (
    <div class="question">
      <p class="ask">
        <span class="num">{card.label}</span> {card.ask}
      </p>
      {isShown ? (
        <>
          <p>{card.answer}</p>
          <p class="none">
            Evidence:{" "}
            {card.evidence.map(({ kind, name, cell }, index) => (
              <span key={`${kind} ${name}`}>
                {index > 0 && ", "}
                {cell ? (
                  <a href={`#/${cell}`} onClick={showNotebook}>
                    {kind} {name}
                  </a>
                ) : (
                  `${kind} ${name}`
                )}
              </span>
            ))}
          </p>
          <p class="none">Usually follows: {card.follows}</p>
          <fieldset
            class="actions"
            onKeyDown={({ key }) => {
              const grade = GRADES[Number(key) - 1]?.[0];
              if (grade) void send(grade);
            }}
          >
            <legend class="hidden">How well did you know it?</legend>
            {GRADES.map(([grade, title], index) => (
              <button
                key={grade}
                ref={index === 0 ? first : null}
                type="button"
                title={`${title} (${index + 1})`}
                onClick={() => void send(grade)}
              >
                {title}
              </button>
            ))}
          </fieldset>
        </>
      ) : (
        <p class="actions">
          <button ref={first} type="button" class="main" onClick={() => setShown(true)}>
            Show the answer
          </button>
          <span class="none">Say it aloud first.</span>
        </p>
      )}
    </div>
  );
}

/** From now, in whole minutes, hours or days. */
function when(time: string): string {
  const minutes = Math.max(1, Math.round((Date.parse(time) - Date.now()) / 60_000));
  if (minutes < 60) return `in ${counted(minutes, "minute")}`;
  const hours = Math.round(minutes / 60);
  return hours < 24 ? `in ${counted(hours, "hour")}` : `in ${counted(Math.round(hours / 24), "day")}`;
}

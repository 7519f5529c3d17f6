import { useState } from "preact/hooks";
import { markdownInline } from "../base/markdown.js";
import { useWatched } from "../base/watched.js";
import type { StudioCell } from "../notebook/cell.js";
import { type RecordedPrediction, recordIn } from "../notebook/records.js";
import { useStudio } from "../notebook/studio.js";

export const letter = (index: number): string => String.fromCharCode(65 + index);

/** The letter of the right option, by which an answer begins: "B. In the directory …". */
export const rightLetter = ({ answer, options }: RecordedPrediction): string | undefined =>
  options.length > 0 ? /^([A-Z])\b/.exec(answer)?.[1] : undefined;

const SKIPPED = "skipped";

/** The cells whose outputs show the answer: those that the question stands before. */
function hasShown(cell: StudioCell, cells: readonly StudioCell[], ran: readonly string[]): boolean {
  const next = cells.slice(cells.indexOf(cell) + 1).find((each) => each.isCode && !each.folds);
  return next === undefined || ran.includes(next.id);
}

/** A question that is answered before the next cell runs; what was predicted stays beside what came. */
export function PredictCard({ cell }: { readonly cell: StudioCell }) {
  const { notebook, progress, runner } = useStudio();
  const outputs = useWatched(cell.outputs);
  const { predictions, ran } = useWatched(progress.state);
  const asked = useWatched(runner.asked);
  const [choice, setChoice] = useState("");
  const record = recordIn(outputs, "predict");
  if (!record) return null;
  const given = predictions[cell.id]?.choice;
  const isShown = given !== undefined && hasShown(cell, notebook.cells.value, ran);
  const commit = (value: string) => {
    progress.predict(cell.id, value);
    if (runner.asked.value === cell.id) runner.asked.value = undefined;
  };
  const name = `predict-${cell.id}`;
  return (
    <div class={`predict${asked === cell.id ? " asked" : ""}`}>
      <p class="question">
        <strong>Predict, then run.</strong>{" "}
        <span dangerouslySetInnerHTML={{ __html: markdownInline(record.question) }} />
      </p>
      {given === undefined ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (choice.trim()) commit(choice.trim());
          }}
        >
          {record.options.length > 0 ? (
            <fieldset>
              <legend class="hidden">Your prediction</legend>
              {record.options.map((option, index) => (
                <label key={option}>
                  <input
                    type="radio"
                    name={name}
                    value={letter(index)}
                    checked={choice === letter(index)}
                    onChange={() => setChoice(letter(index))}
                  />
                  <span class="letter">{letter(index)}</span>
                  <span dangerouslySetInnerHTML={{ __html: markdownInline(option) }} />
                </label>
              ))}
            </fieldset>
          ) : (
            <label class="free">
              <span class="hidden">Your prediction</span>
              <input
                type="text"
                value={choice}
                placeholder="What will it show, and why?"
                onInput={({ currentTarget }) => setChoice(currentTarget.value)}
              />
            </label>
          )}
          <p class="actions">
            <button type="submit" class="main" disabled={!choice.trim()}>
              Predict
            </button>
            <button type="button" class="quiet" onClick={() => commit(SKIPPED)}>
              Go on without
            </button>
            {asked === cell.id && (
              <span class="wanted" role="status">
                The next cell waits for your prediction.
              </span>
            )}
          </p>
        </form>
      ) : (
        <Answer record={record} given={given} isShown={isShown} />
      )}
    </div>
  );
}

interface AnswerProps {
  readonly record: RecordedPrediction;
  readonly given: string;
  readonly isShown: boolean;
}

function Answer({ record, given, isShown }: AnswerProps) {
  const option = record.options[given.charCodeAt(0) - 65];
  const said = given === SKIPPED ? "You went on without a prediction." : "You predicted";
  const right = rightLetter(record);
  const verdict =
    given === SKIPPED || right === undefined ? "" : right === given ? "Right." : `It was ${right}.`;
  return (
    <div class="answer">
      <p class="said">
        {said}{" "}
        {given !== SKIPPED && (
          <>
            <strong>
              {option === undefined ? given : `${given}. `}
              {option !== undefined && <span dangerouslySetInnerHTML={{ __html: markdownInline(option) }} />}
            </strong>
            {isShown && verdict && (
              <span class={`verdict ${right === given ? "right" : "wrong"}`}> {verdict}</span>
            )}
          </>
        )}
        {!isShown && <span class="next"> Run the next cell to see.</span>}
      </p>
      {isShown && <p class="why" dangerouslySetInnerHTML={{ __html: markdownInline(record.answer) }} />}
    </div>
  );
}

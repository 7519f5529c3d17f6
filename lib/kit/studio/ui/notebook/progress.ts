import type { MilestoneProgress, ProgressChange } from "../../contract.js";
import { notify } from "../base/notices.js";
import { ask, inWords } from "../base/server.js";
import { Watched } from "../base/watched.js";
import type { StudioCell } from "./cell.js";
import { recordOf } from "./records.js";

/** What was predicted, solved and run in a milestone: kept by the server, so that it outlives the browser. */
export class ProgressKeeper {
  readonly state: Watched<MilestoneProgress>;
  readonly #milestone: string;
  #last: Promise<void> = Promise.resolve();

  constructor(milestone: string, progress: MilestoneProgress) {
    this.#milestone = milestone;
    this.state = new Watched(progress);
  }

  get value(): MilestoneProgress {
    return this.state.value;
  }

  /** The first answer to a question stays. */
  predict(name: string, choice: string): void {
    if (name in this.value.predictions) return;
    const at = new Date().toISOString();
    this.state.value = {
      ...this.value,
      predictions: { ...this.value.predictions, [name]: { choice, at } },
    };
    this.#send({ prediction: { name, choice } });
  }

  /** A cell has run without an error: with it, what its check says of the exercise. */
  ran(cell: StudioCell): void {
    if (!this.value.ran.includes(cell.id)) {
      this.state.value = { ...this.value, ran: [...this.value.ran, cell.id] };
      this.#send({ ran: [cell.id], cell: cell.id });
    }
    for (const output of cell.outputs.value) {
      const check = recordOf(output, "check");
      if (!check || check.state === "reference") continue;
      const isUntouched = / is not written yet$/.test(check.message);
      const state = check.state === "solved" ? "solved" : isUntouched ? "open" : "failing";
      this.state.value = { ...this.value, exercises: { ...this.value.exercises, [check.name]: state } };
      this.#send({ exercise: { name: check.name, state } });
    }
  }

  /** One change after another, so that answers come in their order. */
  #send(change: ProgressChange): void {
    this.#last = this.#last.then(() =>
      ask<MilestoneProgress>(`/studio/progress/${this.#milestone}`, "POST", change).then(
        () => {},
        (error: unknown) => notify(`Your progress was not kept: ${inWords(error)}`, "trouble"),
      ),
    );
  }
}

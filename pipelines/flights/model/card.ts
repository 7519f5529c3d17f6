import type { Run } from "sololakehouse/experiments";
import type { CalibrationBin } from "./evaluate.js";

/**
 * The card of a model, in Markdown: what it is for, what it was made of, and how good it is, from the facts of its run. What
 * the run does not say, the card says that it does not.
 *
 * @param calibration the run's `calibration.json`.
 * @param importance its `importance.json`.
 */
export function modelCard(
  run: Run,
  calibration: readonly CalibrationBin[],
  importance: Readonly<Record<string, number>>,
): string {
  const { params, tags, inputs } = run;
  const param = (key: string) => params[key] ?? "not said";
  const metric = (key: string, digits: number) => run.metrics[key]?.value.toFixed(digits) ?? "not measured";
  const count = (key: string) => run.metrics[key]?.value.toLocaleString("en-US") ?? "not counted";
  const percent = (share: number) => `${(share * 100).toFixed(1)}%`;
  const code = tags["mlflow.source.git.commit"];
  const isDirty = tags["sololakehouse.code.dirty"] === "true";
  const data = inputs.map(
    ({ name, digest, tags: of }) =>
      `- \`${name}\` at snapshot \`${digest}\`, contract \`${(of["sololakehouse.contract"] ?? "not said").slice(0, 12)}\``,
  );
  const farthest = calibration.reduce(
    (most, { foretold, came }) => Math.max(most, Math.abs(foretold - came)),
    0,
  );
  const features = Object.entries(importance)
    .sort(([, a], [, b]) => b - a)
    .map(([name, share]) => `- \`${name}\`: ${percent(share)} of what the splits gained`);
  const late = run.metrics["test/late_share"]?.value;
  return `# Late flights, by run ${run.id.slice(0, 8)}

**For**: how likely it is that a flight arrives 15 minutes late or more, from what is known the day before. Not for single
passengers' plans: most of what makes a flight late happens on the day.

## Made of

${data.join("\n")}
- catalog commit \`${tags["sololakehouse.catalog.commit"] ?? "not said"}\`
- code commit \`${code ?? "not said"}\`${code === undefined ? "" : isDirty ? ", with changes that are in no commit" : ", unchanged"}
- ${param("rounds")} trees of ${param("leaves")} leaves, learning rate ${param("learning_rate")}

| Part | Days | Flights |
|---|---|---|
| trained on | ${param("train_days")} | ${count("rows")} |
| calibrated on | ${param("calibrate_days")} | ${count("calibration/rows")} |
| tested on | ${param("test_days")} | ${count("test/rows")} |

## How good it is, on the days of the test

${late === undefined ? "How many flights were late is not said." : `${percent(late)} of the flights were late.`}

| On these days | Model | Hour and origin alone |
|---|---|---|
| AUC | ${metric("test/auc", 3)} | ${metric("naive/auc", 3)} |
| Brier score, less is better | ${metric("test/brier", 4)} | ${metric("naive/brier", 4)} |
| minutes off, root mean square | ${metric("minutes/rmse", 1)} | ${metric("naive/minutes_rmse", 1)} |
| minutes off, mean | ${metric("minutes/mae", 1)} | ${metric("naive/minutes_mae", 1)} |

Of ten groups of flights by their probability, the worst came in late ${(farthest * 100).toFixed(1)} points more or less often than predicted.

## What it looks at

${features.join("\n")}
`;
}

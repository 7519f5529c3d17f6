import type { Lakehouse } from "sololakehouse";
import { onnxModel } from "sololakehouse/experiments";
import { boost } from "../../pipelines/flights/model/boosting.js";
import { FEATURES } from "../../pipelines/flights/model/features.js";
import { onnxOf } from "../../pipelines/flights/model/onnx.js";

/** Learns two models from numbers made up, and logs them in ONNX: as `late` with its calibration, and as `minutes`. */
export async function logModels(lake: Lakehouse) {
  const rows = 600;
  // Thirds of a whole number: single precision rounds them, on both sides of a threshold alike. Some are missing.
  const column = (f: number) =>
    Float32Array.from({ length: rows }, (_, i) =>
      (i + f) % 17 === 0 ? Number.NaN : (((i + 1) * (f * 37 + 11)) % 101) / 3,
    );
  const columns = FEATURES.map((_, f) => column(f));
  const matrix = { names: FEATURES, columns, rows };
  const late = Uint8Array.from({ length: rows }, (_, i) => Number((columns[0]?.[i] ?? 0) > 15 !== i % 7 > 4));
  const minutes = Float32Array.from({ length: rows }, (_, i) => (columns[1]?.[i] || 0) * 3 - 20 + (i % 5));
  const classes = boost(matrix, late);
  const amounts = boost(matrix, minutes, undefined, "squared");
  const calibration = { scale: 0.9, shift: -0.2 };
  const inputs = [{ name: "features", dtype: "float32", shape: [-1, FEATURES.length] }];
  const given = (output: string) => ({
    inputs,
    outputs: [{ name: output, dtype: "float32", shape: [-1, 1] }],
  });
  await lake.experiments.run({ experiment: "onnx" }, async (run) => {
    const probabilities = onnxModel(onnxOf(classes, calibration), given("probability"));
    await run.logModel({ name: "late", ...probabilities, registerAs: "late" });
    await run.logModel({
      name: "minutes",
      ...onnxModel(onnxOf(amounts), given("score")),
      registerAs: "minutes",
    });
  });
  return { classes, amounts, calibration, columns, matrix, rows };
}

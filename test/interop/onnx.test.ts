/** ONNX's runtime in WebAssembly loads what the lakehouse keeps of a model, and foretells what our trees do. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { openLakehouse } from "sololakehouse";
import { expect, test } from "vitest";
import { scoresOf } from "../../pipelines/flights/model/boosting.js";
import { probability } from "../../pipelines/flights/model/evaluate.js";
import { FEATURES } from "../../pipelines/flights/model/features.js";
import { onnxRuntime } from "./installed.js";
import { logModels } from "./late-models.js";

/** What is used of the runtime. */
interface Runtime {
  readonly InferenceSession: {
    create(model: Uint8Array): Promise<{
      run(feeds: Record<string, unknown>): Promise<Record<string, { readonly data: Float32Array }>>;
    }>;
  };
  readonly Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => unknown;
}

test("a model comes back from the registry and foretells the same in JavaScript", async () => {
  const { InferenceSession, Tensor } = (await import(pathToFileURL(onnxRuntime()).href)) as Runtime;
  const root = await mkdtemp(join(tmpdir(), "onnx-"));
  const lake = await openLakehouse({ root });
  try {
    const { classes, amounts, calibration, columns, matrix, rows } = await logModels(lake);
    const features = Float32Array.from({ length: rows * FEATURES.length }, (_, at) => {
      const column = columns[at % FEATURES.length] as Float32Array;
      return column[Math.floor(at / FEATURES.length)] as number;
    });
    const probabilities = scoresOf(classes, matrix).map((score) => probability(score, calibration));
    for (const [name, output, ours] of [
      ["late", "probability", probabilities],
      ["minutes", "score", scoresOf(amounts, matrix)],
    ] as const) {
      const [version] = await lake.experiments.modelVersions(name);
      const files = await lake.experiments.modelFiles(version?.modelId as string);
      const session = await InferenceSession.create(files["model.onnx"] as Uint8Array);
      const said = await session.run({
        features: new Tensor("float32", features, [rows, FEATURES.length]),
      });
      const theirs = said[output]?.data ?? [];
      expect(theirs).toHaveLength(rows);
      // Sums of a hundred leaves in single precision.
      const far = Array.from(
        theirs,
        (value, i) => Math.abs(value - (ours[i] as number)) / (1 + Math.abs(value)),
      );
      expect(Math.max(...far)).toBeLessThan(5e-5);
      expect(new Set(theirs).size).toBeGreaterThan(50);
    }
  } finally {
    await lake.close();
    await rm(root, { recursive: true, force: true });
  }
});

import { stringify } from "yaml";
import { corruptFile, unsupported } from "../errors.js";
import { filesHash, TAGS } from "./facts.js";
import type { LoggedModel } from "./model.js";
import type { TrackingStore } from "./store.js";

/** What says of the other files what they are. MLflow's client may write it anew. */
export const MODEL_FILE = "MLmodel";

/** A tensor that a model takes or gives: `-1` is a size that is not fixed. */
export interface TensorSpec {
  readonly name?: string | undefined;
  /** By NumPy's names, such as `float32`. */
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** A model to log: its files, and what they are in MLflow's terms. */
export interface ModelInit {
  readonly name: string;
  /** Its files by their paths. `MLmodel` is made. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** By their names, as `MLmodel` has them. */
  readonly flavors: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly signature?:
    | { readonly inputs: readonly TensorSpec[]; readonly outputs: readonly TensorSpec[] }
    | undefined;
  /** Makes it a version of the registered model of this name. */
  readonly registerAs?: string | undefined;
}

/**
 * A model in ONNX, which MLflow loads by `mlflow.onnx` and `mlflow.pyfunc`.
 *
 * @param content the protobuf message.
 * @example
 * await run.logModel({ name: "late", ...onnxModel(bytes, { inputs: [{ name: "features", dtype: "float32", shape: [-1, 7] }], outputs }) });
 */
export function onnxModel(
  content: Uint8Array,
  signature: NonNullable<ModelInit["signature"]>,
): Pick<ModelInit, "files" | "flavors" | "signature"> {
  const data = "model.onnx";
  return {
    files: { [data]: content, "requirements.txt": "mlflow\nonnx\nonnxruntime\n" },
    flavors: {
      onnx: { data, code: null, providers: ["CPUExecutionProvider"], onnx_session_options: null },
      python_function: { loader_module: "mlflow.onnx", data },
    },
    signature,
  };
}

/** The text of `MLmodel`. */
export function modelFile({ flavors, signature }: ModelInit, { id, runId }: LoggedModel): string {
  const tensors = (specs: readonly TensorSpec[]) =>
    JSON.stringify(
      specs.map(({ name, dtype, shape }) => ({
        ...(name !== undefined && { name }),
        type: "tensor",
        "tensor-spec": { dtype, shape },
      })),
    );
  return stringify({
    flavors,
    model_id: id,
    model_uuid: id,
    run_id: runId,
    ...(signature !== undefined && {
      signature: { inputs: tensors(signature.inputs), outputs: tensors(signature.outputs), params: null },
    }),
  });
}

/** The files of a model, where they are those that its run logged. */
export async function checkedFiles(
  store: TrackingStore,
  modelId: string,
): Promise<Readonly<Record<string, Uint8Array>>> {
  const { name, tags } = await store.model(modelId);
  const was = tags[TAGS.model];
  if (was === undefined)
    throw unsupported(
      modelId,
      `The model ${name} (${modelId}) has no hash of its files: it was not logged by this library.`,
      "Read its files by artifact, unchecked.",
    );
  const paths = (await store.files({ model: modelId })).map(({ path }) => path);
  const files = await Promise.all(
    paths
      .filter((path) => path !== MODEL_FILE)
      .map(async (path) => [path, await store.file({ model: modelId }, path)] as const),
  );
  const is = filesHash(files);
  if (is !== was)
    throw corruptFile(
      modelId,
      `The files of the model ${name} (${modelId}) are not those that its run logged: their hash is ${is.slice(0, 12)}…, and was ${was.slice(0, 12)}….`,
      "Make the run again, by slh reproduce, and use the model that it makes.",
    );
  return Object.fromEntries(files);
}

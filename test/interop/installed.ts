import { createRequire } from "node:module";
import { join } from "node:path";
import {
  airflowHome,
  dagsterHome,
  interopHome,
  kafkaHome,
  mlflowHome,
  onnxHome,
} from "../../scripts/places.mjs";

/** Where scripts/interop.mjs has installed the other engines. */
export const home = interopHome();

/** The Python that has them. */
export const python = join(home, "venv", "bin", "python");

/** Where it has installed Kafka's broker, its Java clients and kcat. */
export const kafka = kafkaHome();

/** The Python that has MLflow, ONNX's runtime and scikit-learn. */
export const mlflowPython = join(mlflowHome(), "venv", "bin", "python");

/** The Python that has Dagster. */
export const dagsterPython = join(dagsterHome(), "venv", "bin", "python");

/** The Python that has Airflow. */
export const airflowPython = join(airflowHome(), "venv", "bin", "python");

/** The file of ONNX's runtime in WebAssembly. */
export const onnxRuntime = (): string =>
  createRequire(join(onnxHome(), "package.json")).resolve("onnxruntime-web");

import type { NativeService } from "../service.js";

/** A server of MLflow's, as arguments of its module: the stack's, and those that tests start. */
export const mlflowArguments = (server: {
  readonly listen: string;
  readonly port: number;
  /** Path of a SQLite file. */
  readonly database: string;
  readonly artifacts?: string | undefined;
}): readonly string[] => [
  ...["server", "--host", server.listen, "--port", String(server.port), "--workers", "1"],
  ...["--backend-store-uri", `sqlite:///${server.database}`],
  ...(server.artifacts === undefined ? [] : ["--artifacts-destination", server.artifacts]),
];

/** Without jobs, which nobody here gives it, and without a word to its makers. */
export const MLFLOW_ENV = {
  MLFLOW_DISABLE_TELEMETRY: "true",
  MLFLOW_SERVER_ENABLE_JOB_EXECUTION: "false",
  DO_NOT_TRACK: "true",
};

export const mlflow: NativeService = {
  name: "mlflow",
  title: "MLflow",
  about: "experiments, runs and models; its database is SQLite's, and its artifacts are in a folder",
  version: "3.17.2",
  license: "Apache-2.0",
  profile: "ml",
  needs: [],
  memoryMiB: 1024,
  health: { port: "http", path: "/health" },
  page: { port: "http", path: "/" },
  settings: ({ listen, data, port }) => ({
    args: [
      ...mlflowArguments({
        listen,
        port: port("mlflow", "http"),
        database: `${data}/mlflow.db`,
        artifacts: `${data}/artifacts`,
      }),
      ...(listen === "127.0.0.1" ? [] : ["--allowed-hosts", "mlflow:*,localhost:*,127.0.0.1:*"]),
    ],
    env: MLFLOW_ENV,
  }),
  packages: { from: "pypi", requirements: ["mlflow==3.17.2"], module: "mlflow" },
  stopMs: 20_000,
  container: {
    image: "ghcr.io/mlflow/mlflow:v3.17.2",
    entrypoint: ["mlflow"],
    health: [
      "CMD",
      "python",
      "-c",
      "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5000/health')",
    ],
    data: "/data",
    files: "/etc/sololakehouse",
    published: ["http"],
  },
};

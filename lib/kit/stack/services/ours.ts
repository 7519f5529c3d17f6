import type { NativeService, Place } from "../service.js";
import { BUCKET, type S3Key, s3Key } from "./s3-access.js";

/** The variables by which a lakehouse is on the stack: for our servers, and for whoever works on it, each with its key. */
export function lakehouseOn(place: Place, key: S3Key): Readonly<Record<string, string>> {
  const { lake, host, port } = place;
  const { accessKey, secretKey } = s3Key(place, key);
  const etcd = `etcd://${host("etcd")}:${port("etcd", "client")}`;
  return {
    SLH_PROFILE: "stack",
    SLH_LAKE: lake,
    SLH_WAREHOUSE: `s3://${BUCKET}/warehouse`,
    SLH_CATALOG: `${etcd}/catalog`,
    SLH_LOG: `${etcd}/log`,
    SLH_S3_ENDPOINT: `http://${host("seaweedfs")}:${port("seaweedfs", "s3")}`,
    SLH_S3_REGION: "us-east-1",
    SLH_S3_ACCESS_KEY_ID: accessKey,
    SLH_S3_SECRET_ACCESS_KEY: secretKey,
  };
}

/** Where our image has our commands. */
const BIN = "/opt/sololakehouse/lib/lakehouse/bin";
const SLH = `node ${BIN}/slh.js`;
const BUCKET_URL = `http://seaweedfs:8888/buckets/${BUCKET}/`;
/** Made where there is none; whether it is there then is what counts. */
const MAKE_BUCKET = `node -e 'fetch("${BUCKET_URL}", { method: "POST" }).then(() => fetch("${BUCKET_URL}")).then(({ ok }) => process.exit(ok ? 0 : 1))'`;

const FIRST = ["init", ".", "--yes"];
const OURS = {
  version: "0.1.0",
  license: "Apache-2.0",
  profile: "core",
  needs: ["seaweedfs", "etcd"],
  memoryMiB: 512,
  health: { port: "telemetry", path: "/ready" },
  stopMs: 30_000,
} as const;
const ready = (port: number): readonly string[] => [
  "CMD",
  "node",
  "-e",
  `fetch("http://127.0.0.1:${port}/ready").then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))`,
];

export const catalog: NativeService = {
  ...OURS,
  name: "catalog",
  title: "Catalog",
  about: "our catalog, over the Iceberg REST protocol and Nessie's",
  page: { port: "http", path: "/" },
  settings: (place) => {
    const { listen, port, secret } = place;
    return {
      first: FIRST,
      args: [
        ...["--telemetry", `${listen}:${port("catalog", "telemetry")}`],
        ...["catalog", "serve", "--host", listen, "--port", String(port("catalog", "http"))],
      ],
      env: { ...lakehouseOn(place, "S3_CATALOG"), SLH_CATALOG_TOKEN: secret("SLH_STACK_CATALOG_TOKEN") },
    };
  },
  packages: { from: "npm", program: "slh" },
  container: {
    entrypoint: ["sh", "-c", `${MAKE_BUCKET} && ${SLH} init . --yes && exec ${SLH} "$@"`, "slh"],
    health: ready(9464),
    data: "/data",
    files: "/etc/sololakehouse",
    published: ["http", "telemetry"],
  },
};

export const log: NativeService = {
  ...OURS,
  name: "log",
  title: "Log",
  about: "our streaming log, for Kafka's clients, by gRPC, and with a registry of schemas",
  needs: [...OURS.needs, "catalog"],
  settings: (place) => {
    const { listen, host, port } = place;
    return {
      args: [
        ...["--telemetry", `${listen}:${port("log", "telemetry")}`],
        ...["serve", "--host", listen, "--advertise", host("log")],
        ...["kafka", "grpc", "schemas", "peers"].flatMap((name) => [`--${name}`, String(port("log", name))]),
        // In a container it listens to the other containers too; from outside only this machine reaches it.
        ...(listen === "127.0.0.1" ? [] : ["--insecure"]),
      ],
      env: lakehouseOn(place, "S3_LOG"),
    };
  },
  packages: { from: "npm", program: "streamctl" },
  container: {
    entrypoint: ["node", `${BIN}/streamctl.js`],
    health: ready(9465),
    data: "/data",
    files: "/etc/sololakehouse",
    published: ["kafka", "grpc", "schemas", "telemetry"],
  },
};

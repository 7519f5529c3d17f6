import { PORTS, type ServiceName } from "../ports.js";
import type { NativeService, Packages, Place } from "../service.js";
import { BUCKET, s3Key } from "./s3-access.js";

const VERSION = "483";

/** A file of properties, as Trino reads them. */
const properties = (settings: Readonly<Record<string, string>>): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");

/** What a node of Trino's is told: the stack's, and those that tests start. */
export const trinoConfig = (node: {
  readonly listen: string;
  /** By which the others reach it. */
  readonly address: string;
  readonly port: number;
  readonly coordinator: string;
  /** Whether others are coordinated by it; it works too. */
  readonly isCoordinator: boolean;
  readonly more?: Readonly<Record<string, string>>;
}): string =>
  properties({
    "node.environment": "sololakehouse",
    "node.bind-ip": node.listen,
    "node.internal-address": node.address,
    coordinator: String(node.isCoordinator),
    ...(node.isCoordinator ? { "node-scheduler.include-coordinator": "true" } : {}),
    "http-server.http.port": String(node.port),
    "discovery.uri": node.coordinator,
    ...node.more,
  });

/** Trino's own main is in no package of Maven's that it publishes by itself; it is this line. */
const MAIN = `import io.trino.server.Server;

class TrinoServer {
  public static void main(String[] arguments) {
    new Server().start("${VERSION}");
  }
}
`;

const packages = {
  from: "jars",
  folder: "trino",
  jdk: 25,
  server: [`io.trino:trino-main:${VERSION}`],
  plugins: {
    iceberg: {
      jars: [`io.trino:trino-iceberg:${VERSION}`, `io.trino:trino-hive:${VERSION}`],
      class: "io.trino.plugin.iceberg.IcebergPlugin",
    },
    exchange: {
      jars: [`io.trino:trino-exchange-filesystem:${VERSION}`],
      class: "io.trino.plugin.exchange.filesystem.FileSystemExchangePlugin",
    },
  },
  lent: [
    "io.trino:trino-spi",
    "io.airlift:slice",
    "com.fasterxml.jackson.core:jackson-annotations",
    "io.opentelemetry:opentelemetry-api",
    "io.opentelemetry:opentelemetry-context",
  ],
  pluginInterface: "io.trino.spi.Plugin",
  pluginProperty: "plugin.dir",
  main: { class: "TrinoServer", source: MAIN },
  options: [
    // Small machines run it here: the second compiler would take a core from them while it starts.
    "-XX:TieredStopAtLevel=1",
    "--add-modules=jdk.incubator.vector",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    "-Djdk.attach.allowAttachSelf=true",
  ],
} as const satisfies Packages;

/** How it reaches SeaweedFS: `prefix` is "" for tables, "exchange." for what tasks hand on. */
const s3 = (place: Place, prefix: string) => {
  const { accessKey, secretKey } = s3Key(place, "S3_ENGINES");
  return {
    [`${prefix}s3.endpoint`]: `http://${place.host("seaweedfs")}:${place.port("seaweedfs", "s3")}`,
    [`${prefix}s3.region`]: "us-east-1",
    [`${prefix}s3.path-style-access`]: "true",
    [`${prefix}s3.aws-access-key`]: accessKey,
    [`${prefix}s3.aws-secret-key`]: secretKey,
  };
};

/** The catalog `lake` is ours, `nessie` is Nessie's. Both have their tables on SeaweedFS. */
const catalogs = (place: Place): Readonly<Record<string, string>> => {
  const { host, port, secret } = place;
  const iceberg = (settings: Readonly<Record<string, string>>) =>
    properties({ "connector.name": "iceberg", ...settings, "fs.s3.enabled": "true", ...s3(place, "") });
  return {
    "catalog/lake.properties": iceberg({
      "iceberg.catalog.type": "rest",
      "iceberg.rest-catalog.uri": `http://${host("catalog")}:${port("catalog", "http")}/iceberg`,
      "iceberg.rest-catalog.security": "OAUTH2",
      "iceberg.rest-catalog.oauth2.token": secret("SLH_STACK_CATALOG_TOKEN"),
    }),
    "catalog/nessie.properties": iceberg({
      "iceberg.catalog.type": "nessie",
      "iceberg.nessie-catalog.uri": `http://${host("nessie")}:${port("nessie", "http")}/api/v2`,
      "iceberg.nessie-catalog.default-warehouse-dir": `s3://${BUCKET}/nessie`,
    }),
  };
};

interface Node {
  readonly name: Extract<ServiceName, `trino${string}`>;
  readonly title: string;
  readonly about: string;
  readonly needs: readonly ServiceName[];
  readonly heapMiB: number;
}

/**
 * A node of the cluster. What tasks hand on to others lies on SeaweedFS, and what a node that is gone had not finished is
 * done again by another.
 */
const node = ({ name, heapMiB, ...described }: Node): NativeService => {
  const isCoordinator = name === "trino";
  return {
    ...described,
    name,
    version: VERSION,
    license: "Apache-2.0",
    profile: "engines",
    memoryMiB: heapMiB + 512,
    health: { port: "http", path: "/v1/info", says: '"starting":false' },
    ...(isCoordinator ? { page: { port: "http", path: "/ui/" } } : {}),
    settings: (place) => {
      const { listen, files, host, port, secret } = place;
      const config = trinoConfig({
        listen,
        address: host(name),
        port: port(name, "http"),
        coordinator: `http://${host("trino")}:${port("trino", "http")}`,
        isCoordinator,
        more: {
          "internal-communication.shared-secret": secret("SLH_STACK_TRINO_SECRET"),
          "exchange-manager.config-file": `${files}/exchange-manager.properties`,
          "catalog.config-dir": `${files}/catalog`,
          "query.max-memory-per-node": `${heapMiB / 2}MB`,
          "retry-policy": "TASK",
          // Of a node's memory, so that several tasks fit one.
          "fault-tolerant-execution-task-memory": "128MB",
          "fault-tolerant-execution-coordinator-task-memory": "128MB",
        },
      });
      return {
        args: [],
        env: { JDK_JAVA_OPTIONS: `-Xmx${heapMiB}m -Dconfig=${files}/config.properties` },
        files: {
          "config.properties": config,
          "exchange-manager.properties": properties({
            "exchange-manager.name": "filesystem",
            "exchange.base-directories": `s3://${BUCKET}/exchange`,
            ...s3(place, "exchange."),
          }),
          ...catalogs(place),
        },
      };
    },
    packages,
    isStateless: true,
    stopMs: 30_000,
    container: {
      image: `trinodb/trino:${VERSION}`,
      health: [
        "CMD-SHELL",
        `curl -sf http://127.0.0.1:${PORTS[name].http}/v1/info | grep -q '"starting":false'`,
      ],
      data: "/data/trino",
      files: "/etc/trino",
      published: ["http"],
    },
  };
};

export const trino = node({
  name: "trino",
  title: "Trino",
  about: "SQL over the lakehouse's tables, by our catalog and by Nessie: the coordinator, which works too",
  needs: ["catalog", "nessie"],
  heapMiB: 1536,
});

const worker = (number: 1 | 2) =>
  node({
    name: `trino-worker-${number}`,
    title: `Trino's worker ${number}`,
    about: "does a part of Trino's queries",
    needs: ["trino"],
    heapMiB: 1024,
  });

export const trinoWorkers = [worker(1), worker(2)] as const;

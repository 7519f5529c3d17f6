import type { Service } from "../service.js";

export const trino: Service = {
  name: "trino",
  title: "Trino",
  about: "SQL over the lakehouse's tables, by our catalog",
  version: "483",
  license: "Apache-2.0",
  profile: "engines",
  needs: ["catalog"],
  memoryMiB: 3072,
  health: { port: "http", path: "/v1/info" },
  page: { port: "http", path: "/ui/" },
  settings: ({ host, port, secret }) => ({
    args: [],
    files: {
      "lake.properties": properties({
        "connector.name": "iceberg",
        "iceberg.catalog.type": "rest",
        "iceberg.rest-catalog.uri": `http://${host("catalog")}:${port("catalog", "http")}/iceberg`,
        "iceberg.rest-catalog.security": "OAUTH2",
        "iceberg.rest-catalog.oauth2.token": secret("SLH_STACK_CATALOG_TOKEN"),
        "fs.s3.enabled": "true",
        "s3.endpoint": `http://${host("seaweedfs")}:${port("seaweedfs", "s3")}`,
        "s3.region": "us-east-1",
        "s3.path-style-access": "true",
        "s3.aws-access-key": secret("SLH_STACK_S3_KEY"),
        "s3.aws-secret-key": secret("SLH_STACK_S3_SECRET"),
      }),
    },
  }),
  onlyCompose: "its server is not put together from Maven's jars here yet",
  stopMs: 30_000,
  container: {
    image: "trinodb/trino:483",
    health: ["CMD", "/usr/lib/trino/bin/health-check"],
    data: "/data/trino",
    files: "/etc/trino/catalog",
    published: ["http"],
  },
};

const properties = (settings: Readonly<Record<string, string>>): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");

/** What lets a client in: nothing, a bearer token, or an OAuth2 client that gets its tokens here. */
export type Access = "open" | "token" | "client";

/** How one engine attaches. What is in angle brackets is for the reader to fill in. */
export interface Snippet {
  readonly engine: string;
  readonly language: "python" | "sql" | "sh" | "properties";
  readonly text: string;
}

/**
 * One for each engine. The name under which they know the catalog is ours to choose: it is `lakehouse`. `isLocal` says that
 * the tables' files lie in a folder, which engines on this machine reach.
 */
export function attachSnippets(uri: string, access: Access, isLocal: boolean): Snippet[] {
  return [
    { engine: "PyIceberg", language: "python", text: pyiceberg(uri, access) },
    { engine: "DuckDB", language: "sql", text: duckdb(uri, access) },
    { engine: "Spark", language: "sh", text: spark(uri, access, isLocal) },
    { engine: "Trino", language: "properties", text: trino(uri, access, isLocal) },
  ];
}

function pyiceberg(uri: string, access: Access): string {
  const secret = { open: "", token: ', token="<token>"', client: ', credential="<id>:<secret>"' }[access];
  return `from pyiceberg.catalog import load_catalog

catalog = load_catalog("lakehouse", type="rest", uri="${uri}"${secret})
print(catalog.list_namespaces())`;
}

function duckdb(uri: string, access: Access): string {
  const secret = {
    open: "AUTHORIZATION_TYPE 'none'",
    token: "TOKEN '<token>'",
    client: `CLIENT_ID '<id>', CLIENT_SECRET '<secret>',
  OAUTH2_SERVER_URI '${uri}/v1/oauth/tokens', OAUTH2_SCOPE 'catalog'`,
  }[access];
  return `INSTALL iceberg;
LOAD iceberg;
ATTACH '' AS lakehouse (
  TYPE iceberg, ENDPOINT '${uri}',
  ${secret}
);
SHOW ALL TABLES;`;
}

const ICEBERG = "1.11.0";
const SPARK_RUNTIME = `org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:${ICEBERG}`;

/** On S3 it wants a package more, and keys; the catalog tells it the rest. */
function spark(uri: string, access: Access, isLocal: boolean): string {
  const catalog = "--conf spark.sql.catalog.lakehouse";
  const secret = {
    open: [],
    token: [`${catalog}.token='<token>'`],
    client: [`${catalog}.credential='<id>:<secret>'`, `${catalog}.scope=catalog`],
  }[access];
  const packages = isLocal
    ? SPARK_RUNTIME
    : `${SPARK_RUNTIME},org.apache.iceberg:iceberg-aws-bundle:${ICEBERG}`;
  const keys = [
    `${catalog}.s3.access-key-id='<S3 access key>'`,
    `${catalog}.s3.secret-access-key='<S3 secret key>'`,
  ];
  return [
    `spark-sql --packages ${packages}`,
    "--conf spark.sql.extensions=org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    `${catalog}=org.apache.iceberg.spark.SparkCatalog`,
    `${catalog}.type=rest`,
    `${catalog}.uri=${uri}`,
    ...secret,
    ...(isLocal ? [] : keys),
  ].join(" \\\n  ");
}

/** Trino wants to be told of file systems, too: it takes nothing from a catalog about them. */
function trino(uri: string, access: Access, isLocal: boolean): string {
  const secret = {
    open: [],
    token: ["iceberg.rest-catalog.security=OAUTH2", "iceberg.rest-catalog.oauth2.token=<token>"],
    client: [
      "iceberg.rest-catalog.security=OAUTH2",
      "iceberg.rest-catalog.oauth2.credential=<id>:<secret>",
      `iceberg.rest-catalog.oauth2.server-uri=${uri}/v1/oauth/tokens`,
      "iceberg.rest-catalog.oauth2.scope=catalog",
    ],
  }[access];
  return [
    "# etc/catalog/lakehouse.properties",
    "connector.name=iceberg",
    "iceberg.catalog.type=rest",
    `iceberg.rest-catalog.uri=${uri}`,
    ...secret,
    ...(isLocal ? LOCAL_FILES : S3_FILES),
  ].join("\n");
}

const LOCAL_FILES = ["fs.local.enabled=true", "local.location=/"];

const S3_FILES = [
  "fs.s3.enabled=true",
  "s3.endpoint=<S3 endpoint>",
  "s3.region=us-east-1",
  "s3.path-style-access=true",
  "s3.aws-access-key=<S3 access key>",
  "s3.aws-secret-key=<S3 secret key>",
];

import type { JsonNode } from "../../../iceberg/index.js";
import { keyOf } from "../../../keys.js";
import { type ObjectStore, openStore, type S3Options, s3OptionsFromEnv } from "../../../storage/index.js";

type Config = Readonly<Record<string, string>>;

/** The stores of the tables that a catalog loads: opened as the answer that loads the table says, and kept. */
export class Stores {
  readonly #given: ObjectStore | undefined;
  readonly #config: Config;
  readonly #open = new Map<string, ObjectStore>();

  /**
   * @param given used for all tables, whatever the catalog says
   * @param config what the catalog said of all tables
   */
  constructor(given: ObjectStore | undefined, config: Config) {
    this.#given = given;
    this.#config = config;
  }

  /** Asks for credentials where the store is not given (REST spec, `X-Iceberg-Access-Delegation`). */
  get headers(): Readonly<Record<string, string>> {
    return this.#given === undefined ? { "x-iceberg-access-delegation": "vended-credentials" } : {};
  }

  /** @param answer a `LoadTableResult` */
  of(location: string, answer: JsonNode): ObjectStore {
    if (this.#given !== undefined) return this.#given;
    const config = {
      ...this.#config,
      ...answer.optional("config")?.stringMap(),
      ...credentialsFor(location, answer),
    };
    const bucket = /^s3[an]?:\/\/[^/]+/.exec(location)?.[0];
    // A file: the table's own folder, for a server shall not lead its clients about their disks.
    const root = bucket ?? location;
    const key = keyOf([root, bucket === undefined ? {} : config]);
    let store = this.#open.get(key);
    if (store === undefined) {
      store = bucket === undefined ? openStore(root) : openStore(root, { s3: s3OptionsOf(config) });
      this.#open.set(key, store);
    }
    return store;
  }
}

/** The credentials of the longest prefix that the location has (REST spec, `StorageCredential`). */
function credentialsFor(location: string, answer: JsonNode): Config {
  let longest = "";
  let found: Config = {};
  for (const credential of answer.optional("storage-credentials")?.array() ?? []) {
    const prefix = credential.get("prefix").string();
    if (!location.startsWith(prefix) || prefix.length < longest.length) continue;
    longest = prefix;
    found = credential.get("config").stringMap();
  }
  return found;
}

/** The properties of Java's S3FileIO that we have a setting for; the environment fills in what is missing. */
function s3OptionsOf(config: Config): S3Options {
  const endpoint = config["s3.endpoint"];
  const region = config["client.region"] ?? config["s3.region"];
  const pathStyle = config["s3.path-style-access"];
  const accessKeyId = config["s3.access-key-id"];
  const secretAccessKey = config["s3.secret-access-key"];
  const sessionToken = config["s3.session-token"];
  return {
    ...s3OptionsFromEnv(),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(pathStyle === undefined ? {} : { pathStyle: pathStyle.toLowerCase() === "true" }),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : {
          credentials: {
            accessKeyId,
            secretAccessKey,
            ...(sessionToken === undefined ? {} : { sessionToken }),
          },
        }),
  };
}

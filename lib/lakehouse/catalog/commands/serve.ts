import type { Command } from "commander";
import { invalidConfig } from "../../errors.js";
import type { WithLake } from "../../room.js";
import type { S3Options } from "../../storage/index.js";
import { ink, portNumber, printJsonLine, stopSignal } from "../../terminal/index.js";
import { branchingOf } from "../model/branching.js";
import type { CatalogContext } from "../room.js";
import type { RestAuth } from "../server/http/auth.js";

/** `slh catalog`: the lakehouse's catalog, for other engines. */
export function serveCommand(program: Command, withLake: WithLake<CatalogContext>): void {
  const group = program
    .command("catalog")
    .summary("serve the catalog to other engines")
    .description("Lets other engines read and write the lakehouse's tables, by its catalog.")
    .addHelpText(
      "after",
      `
Examples:
  $ slh catalog serve`,
    );
  group
    .command("serve")
    .summary("serve it over the Iceberg REST protocol and Nessie's")
    .description(
      "Serves the catalog of the current profile to Spark, Trino, PyIceberg and whoever else speaks the Iceberg REST protocol or Nessie's API, until it is stopped.",
    )
    .option("--port <number>", "port to listen on, 0 for any that is free", portNumber, 8181)
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--json", "say where it is in a line of JSON")
    .option("--pass-credentials", "give the S3 credentials of SLH_S3_* to clients that ask for them")
    .addHelpText(
      "after",
      `
Branches are at <uri>/iceberg/<branch>; a table of another branch is named table@branch.

On any other address than 127.0.0.1, clients have to show a token. Set in the environment:
  SLH_CATALOG_TOKEN        a bearer token
  SLH_CATALOG_CREDENTIAL   id:secret of an OAuth2 client, which gets its tokens at /v1/oauth/tokens

Examples:
  $ slh catalog serve
  $ SLH_CATALOG_TOKEN=… slh catalog serve --host 0.0.0.0 --port 9000`,
    )
    .action((options: ServeOptions) => withLake((context) => serve(context, options)));
}

interface ServeOptions {
  readonly port: number;
  readonly host: string;
  readonly passCredentials?: true;
  readonly json?: true;
}

async function serve(
  { catalog, store }: CatalogContext,
  { port, host, passCredentials, json }: ServeOptions,
): Promise<void> {
  const { serveRestCatalog } = await import("../server/serve.js");
  const { s3OptionsFromEnv } = await import("../../storage/index.js");
  const server = await serveRestCatalog({
    catalog: branchingOf(catalog),
    store,
    port,
    host,
    auth: authFromEnv(process.env),
    ...(store.root.startsWith("s3:") ? s3ForClients(s3OptionsFromEnv(), passCredentials === true) : {}),
    onFault: (error, request) => console.error(`${ink("fault", "red", process.stderr)}  ${request}\n`, error),
  });
  // Who has read where it is may stop it at once.
  const stopped = stopSignal();
  if (json) printJsonLine({ uri: server.uri, nessie: `${server.uri}/api/v2` });
  else {
    console.log(`The catalog is at ${ink(server.uri, "bold")}, a branch at ${server.uri}/iceberg/<branch>,`);
    console.log(`and for Nessie's clients at ${server.uri}/api/v2.`);
    console.log("A browser shows there how engines attach. Stop it with Ctrl-C.");
  }
  await stopped;
  await server.close();
}

/** Who is let in, as the environment says: a secret on the command line would be shown to all who list processes. */
function authFromEnv(env: Readonly<Record<string, string | undefined>>): RestAuth {
  const { SLH_CATALOG_TOKEN: token, SLH_CATALOG_CREDENTIAL: credential } = env;
  const colon = credential?.indexOf(":") ?? -1;
  if (credential && (colon < 1 || colon === credential.length - 1)) {
    throw invalidConfig(
      "SLH_CATALOG_CREDENTIAL",
      "SLH_CATALOG_CREDENTIAL is not id:secret.",
      "Write a client's id, a colon and its secret.",
    );
  }
  return {
    ...(token ? { tokens: [token] } : {}),
    ...(credential ? { clients: { [credential.slice(0, colon)]: credential.slice(colon + 1) } } : {}),
  };
}

/** How clients reach the store, in the properties of Iceberg's S3FileIO. */
function s3ForClients(
  { endpoint, region, pathStyle = endpoint !== undefined, credentials }: S3Options,
  passCredentials: boolean,
): {
  readonly clientConfig: Readonly<Record<string, string>>;
  readonly clientCredentials?: Readonly<Record<string, string>>;
} {
  const clientConfig = {
    ...(endpoint === undefined ? {} : { "s3.endpoint": endpoint }),
    ...(region === undefined ? {} : { "client.region": region }),
    "s3.path-style-access": String(pathStyle),
  };
  if (!passCredentials || credentials === undefined) return { clientConfig };
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const clientCredentials = {
    "s3.access-key-id": accessKeyId,
    "s3.secret-access-key": secretAccessKey,
    ...(sessionToken === undefined ? {} : { "s3.session-token": sessionToken }),
  };
  return { clientConfig, clientCredentials };
}

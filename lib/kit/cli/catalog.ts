import type { Command } from "commander";
import type { RestAuth } from "sololakehouse/catalog";
import { invalidConfig } from "sololakehouse/errors";
import { s3OptionsFromEnv } from "sololakehouse/storage";
import { ink } from "../look/index.js";
import { portNumber, stopSignal } from "./serving.js";

/** `slh catalog`: the lakehouse's catalog, for other engines. */
export function catalogCommands(program: Command): void {
  const group = program.command("catalog").summary("serve the catalog to other engines");
  group
    .command("serve")
    .summary("serve it over the Iceberg REST protocol and Nessie's")
    .description(
      "Serves the catalog of the current profile to Spark, Trino, PyIceberg and whoever else speaks the Iceberg REST protocol or Nessie's API, until it is stopped.",
    )
    .option("--port <number>", "port to listen on, 0 for any that is free", portNumber, 8181)
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--pass-credentials", "give the S3 credentials of SLH_S3_* to clients that ask for them")
    .addHelpText(
      "after",
      `
Branches are at <uri>/iceberg/<branch>; a table of another branch is named table@branch.

On another address than 127.0.0.1 everyone has to show a token. Set in the environment:
  SLH_CATALOG_TOKEN        a bearer token
  SLH_CATALOG_CREDENTIAL   id:secret of an OAuth2 client, which gets its tokens at /v1/oauth/tokens

Examples:
  $ slh catalog serve
  $ SLH_CATALOG_TOKEN=… slh catalog serve --host 0.0.0.0 --port 9000`,
    )
    .action(serve);
}

interface ServeOptions {
  readonly port: number;
  readonly host: string;
  readonly passCredentials?: true;
}

async function serve({ port, host, passCredentials }: ServeOptions): Promise<void> {
  const { serveRestCatalog } = await import("sololakehouse/catalog");
  const { openLakehouseCatalog } = await import("sololakehouse");
  const { catalog, store } = await openLakehouseCatalog();
  try {
    const server = await serveRestCatalog({
      catalog,
      store,
      port,
      host,
      auth: authFromEnv(process.env),
      ...(store.root.startsWith("s3:") ? s3ForClients(passCredentials === true) : {}),
      onFault: (error, request) =>
        console.error(`${ink("fault", "red", process.stderr)}  ${request}\n`, error),
    });
    console.log(`The catalog is at ${ink(server.uri, "bold")}, a branch at ${server.uri}/iceberg/<branch>,`);
    console.log(`and for Nessie's clients at ${server.uri}/api/v2.`);
    console.log("Stop it with Ctrl-C.");
    await stopSignal();
    await server.close();
  } finally {
    await catalog.close();
  }
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
function s3ForClients(passCredentials: boolean): {
  readonly clientConfig: Readonly<Record<string, string>>;
  readonly clientCredentials?: Readonly<Record<string, string>>;
} {
  const { endpoint, region, pathStyle = endpoint !== undefined, credentials } = s3OptionsFromEnv();
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

import { statSync } from "node:fs";
import { invalidArgument, invalidConfig } from "../errors.js";
import type { AddCommands, WithLake } from "../room.js";
import { ink, portNumber, printJsonLine, stopSignal } from "../terminal/index.js";
import type { GatewayCredentials } from "./gateway/sigv4.js";
import type { StorageContext } from "./room.js";
import type { ObjectStore } from "./store.js";

/** `storage serve`: the lakehouse's files, for programs that speak S3. */
export const storageCommands: AddCommands<StorageContext> = (program, withLake) => {
  const group = program
    .command("storage")
    .summary("serve the lakehouse's files to other programs")
    .description("Lets programs that speak S3 reach the lakehouse's files.")
    .addHelpText(
      "after",
      `
Examples:
  $ slh storage serve`,
    );
  group
    .command("serve")
    .argument("[folder]", "what to serve. Default: the warehouse of the current profile")
    .summary("serve the warehouse, or a folder, over the S3 protocol")
    .description(
      "Serves the files of the warehouse, or of a folder, as the objects of one S3 bucket, until it is stopped. Clients may read, write and delete, with the key that it prints, or with yours.",
    )
    .option("--port <number>", "port to listen on, 0 for any that is free", portNumber, 9000)
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--bucket <name>", "name of the bucket", "lake")
    .option("--json", "say where it is, and with which key, in a line of JSON")
    .addHelpText(
      "after",
      `
Set in the environment, for a key that stays the same (otherwise one is made for this run):
  SLH_STORAGE_ACCESS_KEY_ID
  SLH_STORAGE_SECRET_ACCESS_KEY

On another address than 127.0.0.1 they must be set. It speaks plain HTTP: put TLS before it there.

Examples:
  $ slh storage serve
  $ slh storage serve data --port 9001 --bucket data`,
    )
    .action((folder: string | undefined, options: ServeOptions) => serve(withLake, folder, options));
};

interface ServeOptions {
  readonly port: number;
  readonly host: string;
  readonly bucket: string;
  readonly json?: true;
}

async function serve(
  withLake: WithLake<StorageContext>,
  folder: string | undefined,
  options: ServeOptions,
): Promise<void> {
  const { gatewayCredentialsFromEnv } = await import("./gateway/credentials.js");
  const credentials = gatewayCredentialsFromEnv();
  if (credentials === undefined && !isLoopback(options.host)) {
    throw invalidConfig(
      options.host,
      `Others can reach ${options.host}, and no key is set that they must show.`,
      "Set SLH_STORAGE_ACCESS_KEY_ID and SLH_STORAGE_SECRET_ACCESS_KEY, or listen on 127.0.0.1.",
    );
  }
  if (folder !== undefined) {
    checkFolder(folder);
    const { openStore } = await import("./open.js");
    await serveStore(openStore(folder), credentials, options);
    return;
  }
  await withLake(({ store }) => serveStore(store, credentials, options));
}

async function serveStore(
  store: ObjectStore,
  known: GatewayCredentials | undefined,
  { port, host, bucket: name, json }: ServeOptions,
): Promise<void> {
  const { serveS3 } = await import("./gateway/serve.js");
  const gateway = await serveS3(store, { port, host, bucket: name, credentials: known });
  const { endpoint, bucket, credentials } = gateway;
  const { accessKeyId } = credentials;
  // A secret that was given is known to who gave it, and has no place in a log.
  const secretAccessKey = known === undefined ? credentials.secretAccessKey : undefined;
  // Who has read where it is may stop it at once.
  const stopped = stopSignal();
  if (json) printJsonLine({ root: store.root, endpoint, bucket, accessKeyId, secretAccessKey });
  else {
    console.log(`${store.root} is the bucket ${ink(bucket, "bold")} at ${ink(endpoint, "bold")}.`);
    console.log(`  access key id      ${accessKeyId}`);
    if (secretAccessKey !== undefined) console.log(`  secret access key  ${secretAccessKey}`);
    console.log("Any region will do; bucket names go in the path. Stop it with Ctrl-C.");
  }
  await stopped;
  await gateway.stop();
}

/** A name that is not there would be served as an empty bucket. */
function checkFolder(folder: string): void {
  if (/^s3[an]?:/.test(folder)) return;
  if (statSync(folder.replace(/^file:\/\//, ""), { throwIfNoEntry: false })?.isDirectory()) return;
  throw invalidArgument(
    folder,
    `There is no folder ${folder}.`,
    "Name one that exists, or none for the warehouse.",
  );
}

function isLoopback(host: string): boolean {
  return /^(127(\.\d+){3}|::1|localhost)$/.test(host);
}

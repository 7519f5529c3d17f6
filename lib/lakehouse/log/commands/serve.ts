import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { Closing } from "../../closing.js";
import { invalidConfig } from "../../errors.js";
import type { WithLake } from "../../room.js";
import { ink, portNumber, printJsonLine, printLine, stopSignal } from "../../terminal/index.js";
import type { Log } from "../log.js";
import { type LogContext, openLog } from "../open-log.js";
import type { Ack } from "../partition/partition.js";
import type { GrpcServer } from "../rpc/serve-grpc.js";
import type { TokenOptions } from "../security/tokens.js";
import { type ServerFile, serverFile } from "./any-log.js";
import { fileOf } from "./tls.js";

/** How often it is looked whether there is another certificate, in milliseconds. */
const RENEW_MS = 5_000;

interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

interface ServeFlags {
  readonly grpc: number;
  readonly kafka: number;
  readonly schemas: number;
  readonly peers: number;
  readonly acksAll?: Ack;
  readonly autoCreateTopics?: true;
  readonly host: string;
  readonly advertise?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly clientCa?: string;
  readonly tokenIssuer?: string;
  readonly tokenAudience?: string;
  readonly tokenKeys?: string;
  readonly tokenUserClaim?: string;
  readonly insecure?: true;
  readonly json?: true;
}

/** `streamctl serve`. */
export function serveCommand(program: Command, withLake: WithLake<LogContext>): void {
  program
    .command("serve")
    .summary("serve the log to other processes")
    .description(
      "Serves the log of the current profile to Kafka's clients, by gRPC, gRPC-Web and Connect on another port, and its schemas by Confluent's REST API on a third, until it is stopped: then calls that are under way end, and what is not in the object store yet goes there. Meanwhile streamctl asks this server by itself.",
    )
    .option("--grpc <port>", "port for gRPC, 0 for any that is free", portNumber, 50051)
    .option("--kafka <port>", "port for Kafka's clients, 0 for any that is free", portNumber, 9092)
    .option("--schemas <port>", "port for the registry of schemas, 0 for any that is free", portNumber, 8081)
    .addOption(
      new Option(
        "--acks-all <level>",
        "when a Kafka producer with acks=all is answered: on the disk, or in the object store (default: wal; stored where several servers share the log)",
      ).choices(["wal", "stored"]),
    )
    .option("--auto-create-topics", "make topics that Kafka's clients ask for and that are not there")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option(
      "--advertise <host>",
      "name or address by which clients and other servers reach this one (default: where it listens)",
    )
    .option(
      "--peers <port>",
      "port for the other servers, where several share the log, 0 for any that is free",
      portNumber,
      0,
    )
    .option("--tls-cert <file>", "the server's certificate and those above it, as PEM: TLS alone is spoken")
    .option("--tls-key <file>", "its key")
    .option(
      "--client-ca <file>",
      "certificate of who makes those of clients: one that names a user is that user",
    )
    .option("--token-issuer <name>", "take tokens of this issuer in place of passwords: their claim iss")
    .option("--token-audience <name>", "what the tokens are for: their claim aud")
    .option("--token-keys <url or file>", "the issuer's public keys, as a JSON Web Key Set")
    .option("--token-user-claim <name>", "the claim that names the user (default: sub)")
    .option(
      "--insecure",
      "listen where other machines can reach it though it has no certificate, and what is sent can be read on its way, or though the log has no users, and whoever comes may do everything",
    )
    .option("--json", "say where it is in a line of JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  $ streamctl serve\n  $ streamctl serve --grpc 0 --kafka 0 --schemas 0 --json",
    )
    .action((flags: ServeFlags) => withLake((context) => serve(context, flags)));
}

async function serve(context: LogContext, flags: ServeFlags): Promise<void> {
  const log = openLog(context);
  try {
    await serveLog(log, join(context.profile.root, "log"), flags);
  } finally {
    await log.close();
  }
}

async function serveLog(log: Log, folder: string, flags: ServeFlags): Promise<void> {
  const { host, advertise, peers: peerPort, json, acksAll, autoCreateTopics, insecure } = flags;
  const open = { host, insecure, ...(await certificatesOf(flags)), tokens: tokensOf(flags) };
  const { serveGrpc } = await import("../rpc/serve-grpc.js");
  const { serveKafka } = await import("../kafka/serve.js");
  const { serveSchemaRegistry } = await import("../schemas/server/serve.js");
  const onFault = (error: unknown, call: string) =>
    console.error(`${ink("fault", "red", process.stderr)}  ${call}\n`, error);
  const servers = new Closing("server");
  try {
    const advertised = advertise === undefined ? undefined : { host: advertise };
    const settings = { port: flags.kafka, peerPort, advertised, acksAll, autoCreateTopics };
    const kafka = await serveKafka(log, { ...open, ...settings });
    servers.open(
      () => kafka,
      (server) => server.stop(),
    );
    const grpc = await serveGrpc(log, { port: flags.grpc, ...open, onFault });
    servers.open(
      () => grpc,
      (server) => server.close(),
    );
    const port = flags.schemas;
    const schemas = await serveSchemaRegistry({ registry: log.schemas, port, ...open, onFault });
    servers.open(
      () => schemas,
      (server) => server.close(),
    );
    const forget = await announce(folder, grpc, open.tls?.cert);
    servers.open(
      () => forget,
      (undo) => undo(),
    );
    const stopRenewing = renewing(flags, open.tls, onFault, async (tls) => {
      for (const server of [kafka, grpc, schemas]) server.setTls(tls);
      await announce(folder, grpc, tls.cert);
    });
    servers.open(
      () => stopRenewing,
      (stop) => stop(),
    );
    // Who has read where it is may stop it at once.
    const stopped = stopSignal();
    const bootstrap = `${host.includes(":") ? `[${host}]` : host}:${kafka.port}`;
    if (json) printJsonLine({ grpc: grpc.url, kafka: bootstrap, schemas: schemas.uri, id: grpc.id });
    else {
      printLine(`The log is at ${ink(grpc.url, "bold")} for gRPC, gRPC-Web and Connect,`);
      printLine(`at ${ink(bootstrap, "bold")} for Kafka's clients,`);
      printLine(`and its schemas at ${ink(schemas.uri, "bold")}. Stop it with Ctrl-C.`);
    }
    await stopped;
  } finally {
    await servers.close();
  }
}

/**
 * Looks now and then whether the certificate's files have others in them, as whoever renews certificates leaves them.
 *
 * @param apply may fail, on a certificate whose key has not come yet say: it is tried again then.
 * @returns what ends it.
 */
function renewing(
  flags: ServeFlags,
  tls: CertificateFiles | undefined,
  onFault: (error: unknown, call: string) => void,
  apply: (tls: CertificateFiles) => Promise<void>,
): () => Promise<void> {
  if (tls === undefined) return async () => undefined;
  let known = tls;
  let said: string | undefined;
  let looking: Promise<void> = Promise.resolve();
  const look = async () => {
    try {
      const { tls: now } = await certificatesOf(flags);
      if (now === undefined || (now.cert === known.cert && now.key === known.key)) return;
      await apply(now);
      known = now;
      said = undefined;
    } catch (error) {
      // Once for each that cannot be used.
      if (said !== String(error)) onFault(error, "renewing the certificate");
      said = String(error);
    }
  };
  const timer = setInterval(() => {
    looking = looking.then(look);
  }, RENEW_MS);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await looking;
  };
}

/** @throws LakehouseError INVALID_CONFIG */
async function certificatesOf({ tlsCert, tlsKey, clientCa }: ServeFlags) {
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw invalidConfig(
      "tls",
      "A certificate is of no use without its key.",
      "Give --tls-cert and --tls-key.",
    );
  return {
    tls:
      tlsCert === undefined || tlsKey === undefined
        ? undefined
        : { cert: await fileOf("--tls-cert", tlsCert), key: await fileOf("--tls-key", tlsKey) },
    clientCa: clientCa === undefined ? undefined : await fileOf("--client-ca", clientCa),
  };
}

/** @throws LakehouseError INVALID_CONFIG */
function tokensOf(flags: ServeFlags): TokenOptions | undefined {
  const { tokenIssuer: issuer, tokenAudience: audience, tokenKeys: keys, tokenUserClaim: userClaim } = flags;
  if ([issuer, audience, keys, userClaim].every((flag) => flag === undefined)) return undefined;
  if (issuer !== undefined && audience !== undefined && keys !== undefined)
    return { issuer, audience, keys, userClaim };
  throw invalidConfig(
    "tokens",
    "It is not said whose tokens are taken, for what, and which keys they are signed with.",
    "Give --token-issuer, --token-audience and --token-keys.",
  );
}

/** Lets streamctl find the server. @returns what takes that back. */
async function announce(
  folder: string,
  { url, id }: GrpcServer,
  certificate: string | undefined,
): Promise<() => Promise<void>> {
  const file = serverFile(folder);
  // What listens everywhere is reached here as well.
  const here = url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
  const content: ServerFile = { url: here, id, certificate };
  // The id is what streamctl knows the server by, before it tells it a password.
  await writeFile(`${file}.new`, JSON.stringify(content), { mode: 0o600 });
  await rename(`${file}.new`, file);
  return () => rm(file, { force: true });
}

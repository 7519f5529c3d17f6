import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type BranchingCatalog, type RestServer, serveRestCatalog } from "../../catalog/index.js";
import { aborted, invalidArgument } from "../../errors.js";
import { schemaMismatch } from "../../parquet/index.js";
import type { ObjectStore } from "../../storage/index.js";
import { sparkFailed } from "../errors.js";
import { CATALOG, type SparkOptions, submitCommand } from "./options.js";

const EXTENSIONS = "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions";

interface Answer {
  readonly result?: unknown;
  readonly error?: { readonly kind: string; readonly subject: string; readonly message: string };
}

/**
 * A running Spark: spark-submit with our driver (spark_driver.py), which has connected to this process, and the catalog
 * served to it. Both on this machine's loopback interface alone, and by secrets that nobody else is told.
 */
export class SparkSession {
  readonly #child: ChildProcess;
  readonly #catalog: RestServer;
  readonly #socket: Socket;
  readonly #answers: AsyncIterator<string>;
  readonly #said: () => string;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    child: ChildProcess,
    catalog: RestServer,
    { socket, answers }: Connected,
    said: () => string,
  ) {
    this.#child = child;
    this.#catalog = catalog;
    this.#socket = socket;
    this.#answers = answers;
    this.#said = said;
  }

  /** @throws LakehouseError SPARK_FAILED where it does not start. */
  static async open(
    { catalog, store }: { readonly catalog: BranchingCatalog; readonly store: ObjectStore },
    options: SparkOptions,
  ): Promise<SparkSession> {
    const [secret, token] = [randomBytes(24).toString("hex"), randomBytes(24).toString("hex")];
    const server = await serveRestCatalog({
      catalog,
      store,
      port: 0,
      auth: { tokens: [token] },
    });
    const listening = createServer();
    await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
    const { port } = listening.address() as { port: number };
    const driver = fileURLToPath(new URL("./spark_driver.py", import.meta.url));
    const [command, ...given] = submitCommand(options);
    const submit = ["--conf", `spark.sql.extensions=${EXTENSIONS}`, ...given, driver];
    const child = spawn(command, submit, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, SLH_SPARK_PORT: String(port), SLH_SPARK_SECRET: secret },
    });
    const said = tailOf(child);
    try {
      const connected = await connection(listening, child, secret, said);
      const session = new SparkSession(child, server, connected, said);
      const prefix = `spark.sql.catalog.${CATALOG}`;
      const settings = {
        [`${prefix}.type`]: "rest",
        [`${prefix}.uri`]: server.uri,
        [`${prefix}.token`]: token,
        ...Object.fromEntries(Object.entries(options.catalog ?? {}).map(([k, v]) => [`${prefix}.${k}`, v])),
      };
      await session.call("start", { catalog: CATALOG, settings });
      session.#keepNothingAlive();
      return session;
    } catch (error) {
      child.kill();
      await server.close();
      throw error;
    } finally {
      listening.close();
    }
  }

  /** One call after the other. @throws LakehouseError as what the driver refuses, SPARK_FAILED, ABORTED */
  call(name: string, args: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<unknown> {
    const result = this.#last.then(async () => {
      if (signal?.aborted) throw aborted(signal);
      const abort = () => this.#child.kill();
      signal?.addEventListener("abort", abort, { once: true });
      try {
        this.#socket.ref();
        this.#socket.write(`${JSON.stringify({ call: name, arguments: args })}\n`);
        const { value, done } = await this.#answers.next();
        if (signal?.aborted) throw aborted(signal);
        if (done) throw ended(this.#said());
        const { result, error } = JSON.parse(value) as Answer;
        if (error !== undefined) throw refused(error);
        return result;
      } finally {
        this.#socket.unref();
        signal?.removeEventListener("abort", abort);
      }
    });
    this.#last = result.catch(() => {});
    return result;
  }

  get isOpen(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && !this.#socket.destroyed;
  }

  /** Whoever forgets to close it shall not wait for it: when this process ends, the driver sees its connection go. */
  #keepNothingAlive(): void {
    this.#child.unref();
    this.#socket.unref();
    for (const stream of [this.#child.stdout, this.#child.stderr]) (stream as unknown as Socket).unref();
  }

  async close(): Promise<void> {
    await this.#last;
    this.#socket.end();
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.ref();
      await new Promise((resolve) => this.#child.once("exit", resolve));
    }
    await this.#catalog.close();
  }
}

interface Connected {
  readonly socket: Socket;
  readonly answers: AsyncIterator<string>;
}

/** Waits for the driver; connections of others, who do not know the secret, are dropped. */
function connection(
  listening: Server,
  child: ChildProcess,
  secret: string,
  said: () => string,
): Promise<Connected> {
  return new Promise((resolve, reject) => {
    child.once("error", (cause) => reject(notStarted(cause)));
    child.once("exit", () => reject(ended(said())));
    listening.on("connection", async (socket) => {
      socket.on("error", () => {});
      const answers = createInterface({ input: socket })[Symbol.asyncIterator]();
      const { value } = await answers.next();
      if (value === secret) resolve({ socket, answers });
      else socket.destroy();
    });
  });
}

/** The end of what it prints, for who has to find out what is wrong. */
function tailOf(child: ChildProcess): () => string {
  let tail = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => {
      tail = (tail + chunk.toString()).slice(-4000);
    });
  return () => tail.trim();
}

function notStarted(cause: Error) {
  return sparkFailed(
    "spark-submit",
    `Spark could not be started: ${cause.message}.`,
    "Set SPARK_HOME, put spark-submit on the PATH, or name it by `command`.",
    cause,
  );
}

function ended(said: string) {
  return sparkFailed(
    "spark-submit",
    `Spark has ended${said === "" ? "." : `. It said last:\n${said}`}`,
    "Put right what it says, and run the pipeline again: what was not published has left nothing.",
  );
}

function refused({ kind, subject, message }: NonNullable<Answer["error"]>) {
  if (kind === "mismatch")
    return schemaMismatch(subject, message, "Give the query's columns the table's names and types, by CAST.");
  if (kind === "null" || kind === "key")
    return invalidArgument(subject, message, "Have the query give one row, with a value, for each key.");
  if (message.includes("Null value appeared in non-nullable field"))
    return schemaMismatch(
      subject,
      `A row has no value for a required column: ${message.slice(0, 1000)}`,
      "Leave such rows out in the query.",
    );
  return sparkFailed(
    subject,
    `Spark could not do it: ${message}`,
    "Put right what it says, and run the pipeline again: what was not published has left nothing.",
  );
}

import type { Ack } from "../../../lib/lakehouse/log/index.js";
import { type Child, childProgram } from "../../storage/child.js";

const SERVER = `
  const [root, port, acksAll, recover, folder, meta, host] = args;
  const opened = new log.Log({
    store: new storage.LocalStore(root + "/warehouse"),
    folder: root + "/" + folder,
    meta: meta || undefined,
  });
  if (recover === "recover") await opened.recover();
  const server = await log.serveKafka(opened, {
    port: Number(port),
    acksAll: acksAll || undefined,
    ...(host && { host, insecure: true }),
  });
  process.on("SIGTERM", async () => {
    await server.stop();
    await opened.close();
    process.exit(0);
  });
  console.log("serves " + server.host + ":" + server.port);
`;

/** A Kafka server over the log in `root`, in a process of its own. */
export interface ServerProcess {
  /** `host:port` */
  readonly address: string;
  readonly child: Child;
  /** As kill -9 does. */
  kill(): Promise<void>;
  /** As it ends by itself. */
  stop(): Promise<void>;
  /** Stops it in the middle of whatever it does; it does not know that time passes. */
  pause(): void;
  resume(): void;
}

export interface ServerProgram {
  start(root: string, options?: ServerOptions): Promise<ServerProcess>;
  dispose(): Promise<void>;
}

interface ServerOptions {
  /** Any that is free where not given. */
  readonly port?: number;
  readonly acksAll?: Ack;
  /** Makes the metadata from the objects first. */
  readonly recover?: boolean;
  /** Below the root; "log" where not given. */
  readonly folder?: string;
  /** Of a log that several share: `etcd://…`. */
  readonly meta?: string;
  /** Where it listens, and the command by which it runs there. */
  readonly at?: { readonly ip: string; readonly within: readonly string[] };
}

export async function kafkaServerProgram(): Promise<ServerProgram> {
  const program = await childProgram(SERVER, ["storage", "log"]);
  return {
    start: async (root, { port = 0, acksAll, recover = false, folder = "log", meta = "", at } = {}) => {
      const isRecovered = recover ? "recover" : "";
      const options = [root, String(port), acksAll ?? "", isRecovered, folder, meta, at?.ip ?? ""];
      const child = at === undefined ? program.start(...options) : program.startWithin(at.within, ...options);
      const address = await child.printed(/^serves (.*)$/m);
      const end = async (signal: NodeJS.Signals) => {
        child.process.kill(signal);
        await child.done.catch(() => undefined);
      };
      return {
        address,
        child,
        kill: () => end("SIGKILL"),
        stop: () => end("SIGTERM"),
        pause: () => void child.process.kill("SIGSTOP"),
        resume: () => void child.process.kill("SIGCONT"),
      };
    },
    dispose: () => program.dispose(),
  };
}

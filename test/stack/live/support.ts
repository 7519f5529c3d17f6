// A stack of a test's own, beside the user's: its folder is temporary, and its ports are others. scripts/stack.mjs names the
// folder that all of them are in, and ends what a test that was interrupted has left there.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  down,
  type NativeService,
  type S3Key,
  type Service,
  StackHome,
  type Start,
  s3Key,
  stop,
  up,
} from "../../../lib/kit/stack/index.js";

const SLH = join(import.meta.dirname, "../../../lib/lakehouse/bin/slh.js");
const OFFSET = 7_000;

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface OwnStack {
  readonly home: StackHome;
  /** Runs `slh` with the stack's folder, and more variables. */
  slh(words: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>;
  /** The variables that put a process on the stack's lakehouse. */
  env(): Promise<Readonly<Record<string, string>>>;
  /** Starts services of it. */
  start(...services: readonly NativeService[]): Promise<readonly Start[]>;
  /** Stops services of it in good order. */
  stop(...services: readonly Service[]): Promise<void>;
  /** How a client reaches SeaweedFS with one of its keys. */
  s3(key: S3Key): {
    readonly endpoint: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  /** Stops it, and deletes it. */
  dispose(): Promise<void>;
}

export async function ownStack(): Promise<OwnStack> {
  const folder = await mkdtemp(join(process.env.SLH_STACK_TESTS ?? tmpdir(), "slh-stack-"));
  const home = new StackHome(join(folder, "stack"));
  home.setOffset(OFFSET);
  const slh = async (words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> => {
    try {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [SLH, ...words], {
        cwd: folder,
        env: { ...withoutLake(), ...env, SLH_STACK: home.folder },
      });
      return { code: 0, out: stdout, err: stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, out: stdout, err: stderr };
    }
  };
  return {
    home,
    slh,
    env: async () => JSON.parse((await slh(["stack", "env", "--json"])).out) as Record<string, string>,
    start: async (...services) => {
      const started: Start[] = [];
      await up(services, home, { doing: () => {}, started: (each) => started.push(each) });
      return started;
    },
    stop: async (...services) => {
      for (const service of services.toReversed()) await stop(service, home);
    },
    s3: (key) => {
      const place = home.place("seaweedfs");
      if (place === undefined) throw new Error("the stack was not started");
      const { accessKey, secretKey } = s3Key(place, key);
      const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey };
      return { endpoint: `http://127.0.0.1:${place.port("seaweedfs", "s3")}`, credentials };
    },
    dispose: async () => {
      await down(home, () => {}, "at once");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Nothing that a developer has set reaches the lakehouse of a test. */
const withoutLake = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SLH_")));

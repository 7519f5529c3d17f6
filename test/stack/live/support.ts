// A stack of a test's own, beside the user's: its folder is temporary, and its ports are others.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { StackHome } from "../../../lib/kit/stack/index.js";

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
  /** Stops it, and deletes it. */
  dispose(): Promise<void>;
}

export async function ownStack(): Promise<OwnStack> {
  const folder = await mkdtemp(join(tmpdir(), "slh-stack-"));
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
    dispose: async () => {
      await slh(["stack", "down"]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Nothing that a developer has set reaches the lakehouse of a test. */
const withoutLake = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SLH_")));

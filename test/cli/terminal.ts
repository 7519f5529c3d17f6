import { execFile, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { needs } from "../support/needs.js";

export const SLH = fileURLToPath(new URL("../../lib/lakehouse/bin/slh.js", import.meta.url));

/** What a person does next: waits until the screen has a text that it did not have before, then types. */
export interface Step {
  readonly until: string;
  readonly type: string;
}

export interface Session {
  readonly code: number;
  /** All that was printed, escape sequences included. */
  readonly screen: string;
}

/** Python has pseudo-terminals in its library; Node has none. */
const DRIVER = `
import fcntl, json, os, pty, select, struct, sys, termios
job = json.loads(sys.argv[1])
pid, fd = pty.fork()
if pid == 0:
    os.execvpe(job["command"][0], job["command"], {**os.environ, **job["env"]})
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, job["columns"], 0, 0))
screen, seen, steps, late = b"", 0, job["steps"], False
while True:
    ready, _, _ = select.select([fd], [], [], 60)
    if not ready:
        late = True
        os.kill(pid, 9)
        break
    try:
        data = os.read(fd, 65536)
    except OSError:
        data = b""
    if not data:
        break
    screen += data
    while steps and steps[0]["until"].encode() in screen[seen:]:
        step = steps.pop(0)
        seen = screen.index(step["until"].encode(), seen) + len(step["until"].encode())
        os.write(fd, step["type"].encode())
_, status = os.waitpid(pid, 0)
code = os.waitstatus_to_exitcode(status)
print(json.dumps({"code": code, "screen": screen.decode("utf8", "replace"), "late": late, "left": steps}))
`;

export const needsTerminal = needs(
  spawnSync("python3", ["-c", "import pty, os; os.waitstatus_to_exitcode"]).status === 0,
  "pseudo-terminals: python3 (3.9 or newer)",
);

/** Runs `slh` in a pseudo-terminal, and types as the steps say. */
export const slhInTerminal = (
  args: readonly string[],
  steps: readonly Step[],
  options: TerminalOptions = {},
): Promise<Session> => inTerminal([process.execPath, SLH, ...args], steps, options);

interface TerminalOptions {
  readonly env?: Record<string, string>;
  readonly columns?: number;
}

/** The same for any program. */
export async function inTerminal(
  command: readonly string[],
  steps: readonly Step[],
  { env = {}, columns = 80 }: TerminalOptions = {},
): Promise<Session> {
  const job = { command, env, columns, steps };
  const answer = JSON.parse(await run("python3", ["-c", DRIVER, JSON.stringify(job)]));
  if (answer.late || answer.left.length > 0)
    throw new Error(`It waits for ${JSON.stringify(answer.left[0])} after:\n${answer.screen}`);
  return answer;
}

function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) =>
    execFile(command, [...args], { maxBuffer: 2 ** 26 }, (error, out) =>
      error ? reject(error) : resolve(out),
    ),
  );
}

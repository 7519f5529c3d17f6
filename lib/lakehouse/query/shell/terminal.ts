import { createInterface, type Interface } from "node:readline";
import { ink } from "../../terminal/index.js";
import { type Completions, completeSql, startingWith } from "./completion.js";
import { DOT_COMMANDS, MODES } from "./dot-commands.js";
import type { History } from "./history.js";
import type { Session } from "./session.js";

/** A session at a terminal: prompt, editing, history, completion and Ctrl-C. Resolves when it is left. */
export async function runAtTerminal(session: Session, history: History): Promise<void> {
  const lines = createInterface({
    input: process.stdin,
    output: process.stdout,
    history: history.load(),
    historySize: 2_000,
    removeHistoryDuplicates: true,
    completer: (line: string, done: (error: null, found: Completions) => void): void =>
      void complete(session, line).then((found) => done(null, found)),
  });
  const prompt = () => {
    if (session.hasQuit) lines.close();
    else show(lines, session);
  };
  lines.on("SIGINT", () => {
    const wasRunning = session.isRunning;
    session.interrupt();
    if (wasRunning) return;
    // To the end of the line and away with it, as a key would.
    lines.write(null, { ctrl: true, name: "e" });
    lines.write(null, { ctrl: true, name: "u" });
    process.stdout.write("^C\n");
    prompt();
  });
  // Lines that were pasted come together, and are on the screen already: there is one prompt after all of them.
  let waiting = 0;
  lines.on("line", (line) => {
    history.add(line);
    waiting++;
    void session.line(line).then(() => --waiting === 0 && prompt());
  });
  const left = new Promise<void>((resolve) => lines.on("close", resolve));
  prompt();
  await left;
  if (!session.hasQuit) process.stdout.write("\n");
  session.hasQuit = true;
  session.interrupt();
}

/** `main> `, or `   …> ` below it while a statement is not through. */
function show(lines: Interface, { ref, pending }: Session): void {
  const name = ref ?? "slh";
  const text = pending === "" ? name : "…".padStart(name.length);
  lines.setPrompt(`${ink(text, pending === "" ? "green" : "grey")}> `);
  lines.prompt();
}

async function complete(session: Session, line: string): Promise<Completions> {
  try {
    const dot = /^\s*\.(\w*)$/.exec(line);
    if (session.pending === "" && dot) {
      const names = Object.keys(DOT_COMMANDS).map((name) => `.${name}`);
      return [startingWith(names, line.trim()), line.trim()];
    }
    const [, command, word] = /^\s*\.(\w+)\s+(\S*)$/.exec(line) ?? [];
    if (session.pending === "" && command !== undefined && word !== undefined)
      return [startingWith(await argumentsOf(session, command), word), word];
    return await completeSql(`${session.pending}\n${line}`, session.names);
  } catch {
    return [[], line]; // a catalog that does not answer is no reason to leave the line
  }
}

async function argumentsOf({ names }: Session, command: string): Promise<readonly string[]> {
  if (command === "schema" || command === "tables") return names.tables();
  if (command === "branch") return names.refs();
  if (command === "mode") return MODES;
  return command === "timing" ? ["on", "off"] : [];
}

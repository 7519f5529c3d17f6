import { readFile } from "node:fs/promises";
import { invalidArgument } from "../../errors.js";
import { columns, ink, printable } from "../../terminal/index.js";
import { columnLines, describeTable } from "../describe/describe-table.js";
import type { ResultFormat } from "../result/format.js";
import { fileFormat } from "./output-file.js";
import type { Session } from "./session.js";

export const MODES = ["table", "ndjson", "json", "csv"] as const satisfies readonly ResultFormat[];

interface DotCommand {
  /** What goes after its name. */
  readonly takes: string;
  readonly summary: string;
  run(session: Session, argument: string): Promise<void> | void;
}

/** What a session does besides SQL, by name. */
export const DOT_COMMANDS: Readonly<Record<string, DotCommand>> = {
  tables: {
    takes: "[text]",
    summary: "list the tables, or those with this text in their name",
    async run({ names }, text) {
      const tables = (await names.tables()).filter((name) => name.includes(text));
      for (const name of tables) console.log(printable(name));
      if (tables.length === 0)
        console.log(text === "" ? "There are no tables yet." : "There is none of that name.");
    },
  },
  schema: {
    takes: "[table]",
    summary: "show the columns of a table, or of all",
    async run({ catalog, names }, name) {
      for (const each of name === "" ? await names.tables() : [name]) {
        const description = describeTable(await catalog.loadTable(each), undefined);
        console.log(ink(description.table, "bold"));
        for (const line of columnLines(description)) console.log(line);
      }
    },
  },
  branch: {
    takes: "[name]",
    summary: "list branches and tags, or go to one (or to a commit)",
    async run(session, name) {
      if (name !== "") return session.switchTo(name);
      for (const ref of await session.names.refs()) {
        console.log(ref === session.ref ? ink(`* ${ref}`, "green") : `  ${printable(ref)}`);
      }
    },
  },
  mode: {
    takes: "[name]",
    summary: `how rows are printed: ${MODES.join(", ")}`,
    run(session, name) {
      const mode = MODES.find((each) => each === name);
      if (name !== "" && mode === undefined)
        throw invalidArgument(".mode", `There is no mode ${name}.`, `Choose from ${MODES.join(", ")}.`);
      session.mode = mode ?? session.mode;
      if (mode === undefined) console.log(session.mode);
    },
  },
  timing: {
    takes: "[on|off]",
    summary: "say how long each statement took",
    run(session, word) {
      if (!/^(on|off|)$/.test(word))
        throw invalidArgument(".timing", `It is on or off, not ${word}.`, "Write .timing on.");
      session.timing = word === "" ? !session.timing : word === "on";
      console.log(`Timing is ${session.timing ? "on" : "off"}.`);
    },
  },
  once: {
    takes: "<file>",
    summary: "write the rows of the next statement into a file: .parquet, .arrow, .csv, .ndjson or .json",
    run(session, argument) {
      const path = pathOf(argument);
      if (path === "") throw invalidArgument(".once", "It needs a file.", "Write .once <file>.");
      fileFormat(path);
      session.file = path;
    },
  },
  read: {
    takes: "<file>",
    summary: "run the statements of a file",
    async run(session, argument) {
      const path = pathOf(argument);
      if (path === "") throw invalidArgument(".read", "It needs a file.", "Write .read <file>.");
      const text = await readFile(path, "utf8").catch((cause: Error) => {
        throw invalidArgument(
          path,
          `${path} cannot be read: ${cause.message}.`,
          "Name a file of SQL.",
          cause,
        );
      });
      await session.run(text);
    },
  },
  help: {
    takes: "",
    summary: "show this",
    run() {
      const rows = Object.entries(DOT_COMMANDS).map(([name, { takes, summary }]) => [
        `.${name} ${takes}`,
        summary,
      ]);
      for (const line of columns(rows, "<<")) console.log(line);
      console.log(
        "\nAnything else is SQL, on as many lines as you like, up to a semicolon. Ctrl-C ends a statement that runs,",
      );
      console.log(
        "or forgets one that is half typed; Ctrl-D leaves. Tab completes; table@branch reads another branch.",
      );
    },
  },
  quit: {
    takes: "",
    summary: "leave (or .exit, or Ctrl-D)",
    run(session) {
      session.hasQuit = true;
    },
  },
};

/** A path may stand in quotes, as in other shells. */
const pathOf = (argument: string): string => argument.replace(/^(["'])(.*)\1$/, "$2");

/** @throws LakehouseError INVALID_ARGUMENT for one that there is not; and as it does. */
export async function runDotCommand(session: Session, line: string): Promise<void> {
  const [, written = "", argument = ""] = /^\.(\S*)\s*(.*?)[\s;]*$/s.exec(line) ?? [];
  const name = written === "exit" ? "quit" : written.replace(/;$/, "");
  const command = Object.hasOwn(DOT_COMMANDS, name) ? DOT_COMMANDS[name] : undefined;
  if (command === undefined)
    throw invalidArgument(`.${written}`, `There is no command .${written}.`, ".help lists them.");
  await command.run(session, argument);
}

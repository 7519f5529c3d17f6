import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { invalidConfig } from "../../errors.js";
import type { WithLake } from "../../room.js";
import { byteSize, columns, ink, printJson, printLine, wholeNumber } from "../../terminal/index.js";
import { type LogContext, openLog } from "../open-log.js";
import type { LogSecurity, UserDescription } from "../security/log-security.js";
import { passwordIn } from "./tls.js";

interface SetFlags {
  readonly passwordFile?: string;
  readonly generate?: true;
  readonly admin?: boolean;
  readonly produceRate?: number;
  readonly fetchRate?: number;
  readonly json?: true;
}

const GENERATED_BYTES = 24;

/** Users are in the object store, with the log: no server has to run. */
export type WithSecurity = (work: (security: LogSecurity) => Promise<void>) => Promise<void>;

export function withSecurityOf(withLake: WithLake<LogContext>): WithSecurity {
  return (work) =>
    withLake(async (context) => {
      const log = openLog(context);
      try {
        await work(log.security);
      } finally {
        await log.close();
      }
    });
}

/** `streamctl user`. */
export function userCommand(program: Command, withSecurity: WithSecurity): void {
  const group = program
    .command("user")
    .summary("look after the users of the log's servers")
    .description(
      "Looks after users. Once there has been one, every server of the log asks everyone who they are. Running servers learn of changes within seconds.",
    )
    .addHelpText("after", "\nExamples:\n  $ streamctl user set alice --generate --admin");
  setCommand(group, withSecurity);
  group
    .command("list")
    .summary("list the users")
    .description(
      "Lists the users by name, and what they have beside the entries of the list (streamctl acl).",
    )
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nExamples:\n  $ streamctl user list")
    .action(({ json }: { json?: true }) =>
      withSecurity(async (security) => {
        const users = await security.users();
        if (json) return printJson(users);
        if (users.length === 0)
          return printLine(
            (await security.isOn())
              ? "There are no users any more, and whoever comes is refused: make one, or delete _log/security.json."
              : "There are no users yet: nobody is asked who they are.",
          );
        for (const line of columns(users.map(rowOf), "<<<")) console.log(line);
      }),
    );
  group
    .command("delete")
    .summary("delete a user")
    .description(
      "Deletes a user, and all that the list has of him. Connections of his end with their next request.",
    )
    .argument("<name>", "the name")
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nExamples:\n  $ streamctl user delete alice")
    .action((name: string, { json }: { json?: true }) =>
      withSecurity(async (security) => {
        await security.deleteUser(name);
        if (json) printJson({ deleted: name });
        else printLine(`The user ${ink(name, "bold")} is deleted.`);
      }),
    );
}

function setCommand(group: Command, withSecurity: WithSecurity): void {
  group
    .command("set")
    .summary("make a user, or change one")
    .description(
      "Makes a user, or changes one: what is not given stays. What is kept proves the password, and does not tell it.",
    )
    .argument("<name>", "the name")
    .option("--password-file <file>", "file whose first line is the password")
    .option("--generate", "make a password up, and print it")
    .option("--admin", "may do everything")
    .option("--no-admin", "may do what the list says")
    .option(
      "--produce-rate <bytes>",
      "the most bytes a second to append at each server, 0 for any",
      wholeNumber(0),
    )
    .option(
      "--fetch-rate <bytes>",
      "the most bytes a second to read at each server, 0 for any",
      wholeNumber(0),
    )
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  $ streamctl user set alice --generate --admin\n  $ streamctl user set loader --password-file loader.txt --produce-rate 10000000",
    )
    .action((name: string, flags: SetFlags, command: Command) => {
      // Whoever names neither means neither, though commander has a default for what can be negated.
      const admin = command.getOptionValueSource("admin") === "cli" ? flags.admin : undefined;
      return withSecurity((security) => setUser(security, name, { ...flags, admin }));
    });
}

type Given = Omit<SetFlags, "admin"> & { readonly admin: boolean | undefined };

async function setUser(security: LogSecurity, name: string, flags: Given): Promise<void> {
  const { passwordFile, generate, admin, produceRate, fetchRate, json } = flags;
  if (passwordFile !== undefined && generate)
    throw invalidConfig("password", "A user has one password.", "Give --password-file or --generate.");
  const generated = generate ? randomBytes(GENERATED_BYTES).toString("base64url") : undefined;
  // Not of the environment, which has the password of whoever asks: it is not to become another user's.
  const password = passwordFile === undefined ? generated : await passwordIn(passwordFile);
  await security.setUser(name, {
    password,
    isAdmin: admin,
    produceBytesPerSecond: produceRate === 0 ? null : produceRate,
    fetchBytesPerSecond: fetchRate === 0 ? null : fetchRate,
  });
  const user = (await security.users()).find((one) => one.name === name) as UserDescription;
  if (json) return printJson({ ...user, ...(generated && { password: generated }) });
  printLine(rowOf(user).join("  "));
  if (generated) printLine(`The password is ${generated} and is not shown again.`);
}

function rowOf(user: UserDescription): string[] {
  const { name, isAdmin, mechanisms, produceBytesPerSecond, fetchBytesPerSecond } = user;
  const rates = [
    ...(produceBytesPerSecond === undefined ? [] : [`appends ${byteSize(produceBytesPerSecond)}/s`]),
    ...(fetchBytesPerSecond === undefined ? [] : [`reads ${byteSize(fetchBytesPerSecond)}/s`]),
  ];
  const what = isAdmin ? "may do everything" : "may do what the list says";
  return [
    ink(name, "bold"),
    what,
    [...(mechanisms.length === 0 ? ["has no password"] : []), ...rates].join(", "),
  ];
}

import { type Command, Option } from "commander";
import { invalidArgument } from "../../errors.js";
import { columns, count, ink, printJson, printLine } from "../../terminal/index.js";
import { type Acl, ANY, CLUSTER, OPERATIONS, type Operation } from "../security/acl.js";
import type { WithSecurity } from "./user.js";

interface AclFlags {
  readonly user?: string;
  readonly operation?: readonly Operation[];
  readonly topic?: string;
  readonly group?: string;
  readonly transactionalId?: string;
  readonly cluster?: true;
  readonly prefix?: true;
  readonly deny?: true;
  readonly from?: string;
  readonly json?: true;
}

/** `streamctl acl`. */
export function aclCommand(program: Command, withSecurity: WithSecurity): void {
  const group = program
    .command("acl")
    .summary("say what users may do")
    .description(
      "Looks after the list of who may do what, which has Kafka's operations and resources. What it does not allow is denied, and an entry that denies wins over any that allows.",
    )
    .addHelpText(
      "after",
      "\nExamples:\n  $ streamctl acl add --user loader --operation write --topic flights",
    );
  entryOptions(group.command("add"))
    .summary("add entries")
    .description("Adds entries, one for each operation.")
    .addHelpText(
      "after",
      "\nExamples:\n  $ streamctl acl add --user loader --operation write --topic flights\n  $ streamctl acl add --user reports --operation read --topic air. --prefix\n  $ streamctl acl add --user reports --operation read --group reports",
    )
    .action((flags: AclFlags) =>
      withSecurity(async (security) => {
        const entries = entriesOf(flags);
        await security.addAcls(entries);
        print(entries, flags);
      }),
    );
  entryOptions(group.command("list"))
    .summary("list entries")
    .description("Lists the entries that have all that is given.")
    .addHelpText("after", "\nExamples:\n  $ streamctl acl list --user loader")
    .action((flags: AclFlags) =>
      withSecurity(async (security) => {
        const found = (await security.acls()).filter(matcherOf(flags));
        if (found.length === 0 && !flags.json) printLine("There are no such entries.");
        else print(found, flags);
      }),
    );
  entryOptions(group.command("delete"))
    .summary("delete entries")
    .description("Deletes the entries that have all that is given, which is at least one thing.")
    .addHelpText("after", "\nExamples:\n  $ streamctl acl delete --user loader --topic flights")
    .action((flags: AclFlags) =>
      withSecurity(async (security) => {
        const { json: _, ...given } = flags;
        if (Object.keys(given).length === 0)
          throw invalidArgument("acl delete", "Nothing says which entries are meant.", "Give a user, say.");
        const removed = await security.removeAcls(matcherOf(flags));
        if (flags.json) return printJson(removed);
        printLine(`${count(removed.length, "entry", "entries")} deleted.`);
      }),
    );
}

function entryOptions(command: Command): Command {
  return command
    .option("--user <name>", "the user, * for all")
    .addOption(
      new Option("--operation <operations...>", "what the user may do").choices(Object.keys(OPERATIONS)),
    )
    .option("--topic <name>", "a topic, * for all")
    .option("--group <name>", "a group, * for all")
    .option("--transactional-id <id>", "a transactional id, * for all")
    .option("--cluster", "the log as a whole")
    .option("--prefix", "all whose names begin so")
    .option("--deny", "that the user may not")
    .option("--from <address>", "where the user comes from")
    .option("--json", "print the result as JSON");
}

/** What the flags are about: `undefined` where they do not say. */
function resourceOf({
  topic,
  group,
  transactionalId,
  cluster,
}: AclFlags): Pick<Acl, "resource" | "name"> | undefined {
  const named = [
    ...(topic === undefined ? [] : [{ resource: "topic" as const, name: topic }]),
    ...(group === undefined ? [] : [{ resource: "group" as const, name: group }]),
    ...(transactionalId === undefined
      ? []
      : [{ resource: "transactionalId" as const, name: transactionalId }]),
    ...(cluster ? [{ resource: "cluster" as const, name: CLUSTER }] : []),
  ];
  if (named.length > 1)
    throw invalidArgument(
      "acl",
      "An entry is about one thing.",
      "Give a topic, a group, a transactional id or the cluster.",
    );
  return named[0];
}

/** @throws LakehouseError INVALID_ARGUMENT */
function entriesOf(flags: AclFlags): Acl[] {
  const { user, operation = [], prefix, deny, from = ANY } = flags;
  const about = resourceOf(flags);
  if (user === undefined || about === undefined || operation.length === 0)
    throw invalidArgument(
      "acl add",
      "An entry has a user, an operation, and what it is about.",
      "Give --user, --operation, and --topic, --group, --transactional-id or --cluster.",
    );
  return operation.map((one) => ({
    ...about,
    user,
    operation: one,
    permission: deny ? "deny" : "allow",
    pattern: prefix ? "prefixed" : "literal",
    host: from,
  }));
}

function matcherOf(flags: AclFlags): (acl: Acl) => boolean {
  const { user, operation, prefix, deny, from } = flags;
  const about = resourceOf(flags);
  return (acl) =>
    (user === undefined || acl.user === user) &&
    (operation === undefined || operation.includes(acl.operation)) &&
    (about === undefined || (acl.resource === about.resource && acl.name === about.name)) &&
    (prefix === undefined || acl.pattern === "prefixed") &&
    (deny === undefined || acl.permission === "deny") &&
    (from === undefined || acl.host === from);
}

function print(acls: readonly Acl[], { json }: AclFlags): void {
  if (json) {
    printJson(acls);
    return;
  }
  const rows = acls.map(({ user, permission, operation, resource, pattern, name, host }) => [
    ink(user, "bold"),
    permission === "allow" ? "may" : "may not",
    operation,
    `${resource} ${name}${pattern === "prefixed" ? "…" : ""}`,
    host === ANY ? "" : `from ${host}`,
  ]);
  for (const line of columns(rows, "<<<<<")) console.log(line);
}

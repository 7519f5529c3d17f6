import type { Command } from "commander";
import { columns, count, ink, printJson, printLine, wholeNumber } from "../../terminal/index.js";
import type { GroupDetails } from "../groups/log-groups.js";
import type { ReadFrom } from "../topic.js";
import { type LogFlags, logOptions, type WithLog } from "./any-log.js";
import { jsonNumber, place } from "./arguments.js";

interface ResetFlags extends LogFlags {
  readonly topic: string;
  readonly to: ReadFrom;
  readonly partition?: number;
  readonly dryRun?: true;
}

/** `streamctl group`. */
export function groupCommand(program: Command, withLog: WithLog): void {
  const group = program
    .command("group")
    .summary("look after the groups that read topics")
    .description("Looks after consumer groups: who reads, and how far.")
    .addHelpText("after", "\nExamples:\n  $ streamctl group list");
  logOptions(group.command("list").summary("list the groups").description("Lists the groups by name."))
    .addHelpText("after", "\nExamples:\n  $ streamctl group list")
    .action((flags: LogFlags) => withLog(flags, (log) => listGroups(log, flags)));
  logOptions(
    group
      .command("describe")
      .summary("say who is in a group, and how far it is")
      .description(
        "Shows a group's members, and for each partition where it goes on and what it has not read yet.",
      )
      .argument("<group>", "its name"),
  )
    .addHelpText("after", "\nExamples:\n  $ streamctl group describe delays")
    .action((name: string, flags: LogFlags) =>
      withLog(flags, async (log) => {
        const details = await log.groups.describe(name);
        if (flags.json) printJson(detailsJson(details));
        else for (const line of linesOf(details)) printLine(line);
      }),
    );
  resetCommand(group, withLog);
  deleteCommand(group, withLog);
}

type GroupsOf = { readonly groups: { list(): Promise<readonly Omit<GroupDetails, "offsets">[]> } };

async function listGroups(log: GroupsOf, { json }: LogFlags): Promise<void> {
  const groups = await log.groups.list();
  if (json)
    return printJson(
      groups.map(({ group, state, members, protocolType }) => ({
        ...{ group, state, protocolType },
        members: members.length,
      })),
    );
  if (groups.length === 0) return printLine("There are no groups yet.");
  const rows = groups.map(({ group, state, members }) => [
    ink(group, "bold"),
    state,
    count(members.length, "member"),
  ]);
  for (const line of columns(rows, "<<>")) console.log(line);
}

function resetCommand(group: Command, withLog: WithLog): void {
  const command = group
    .command("reset")
    .summary("let a group go on elsewhere")
    .description("Sets where a group goes on in a topic. It has to have no members meanwhile.")
    .argument("<group>", "its name")
    .requiredOption("--topic <name>", "the topic")
    .requiredOption("--to <place>", "beginning, end, an offset, or a time such as 2026-11-29T12:00Z", place)
    .option("--partition <number>", "this one alone", wholeNumber(0))
    .option("--dry-run", "say where it would go on, and change nothing");
  logOptions(command)
    .addHelpText(
      "after",
      "\nExamples:\n  $ streamctl group reset delays --topic flights --to beginning --dry-run",
    )
    .action((name: string, { topic, to, partition, dryRun, json, ...flags }: ResetFlags) =>
      withLog(flags, async (log) => {
        const offsets = await log.groups.reset(name, { topic, to, partition, dryRun: dryRun === true });
        const placed = offsets.map(({ partition, offset }) => ({ partition, offset: jsonNumber(offset) }));
        if (json) printJson({ group: name, topic, dryRun: dryRun === true, offsets: placed });
        else {
          printLine(`${ink(name, "bold")} ${dryRun ? "would go" : "goes"} on in ${ink(topic, "bold")}:`);
          for (const line of columns(
            placed.map(({ partition, offset }) => [`  partition ${partition}`, `at ${offset}`]),
            "<<",
          ))
            console.log(line);
        }
      }),
    );
}

function deleteCommand(group: Command, withLog: WithLog): void {
  logOptions(
    group
      .command("delete")
      .summary("forget a group, and where it was")
      .description("Deletes a group with its offsets. It has to have no members.")
      .argument("<group>", "its name"),
  )
    .addHelpText("after", "\nExamples:\n  $ streamctl group delete delays")
    .action((name: string, flags: LogFlags) =>
      withLog(flags, async (log) => {
        await log.groups.delete(name);
        if (flags.json) printJson({ deleted: name });
        else printLine(`Deleted the group ${ink(name, "bold")}.`);
      }),
    );
}

function detailsJson({ group, state, generation, protocolType, protocol, members, offsets }: GroupDetails) {
  return {
    ...{ group, state, generation, protocolType, protocol },
    members: members.map(({ memberId, instanceId, clientId, clientHost }) => ({
      ...{ memberId, instanceId, clientId, clientHost },
    })),
    offsets: offsets.map(({ topic, partition, offset, end, lag, metadata, memberId }) => ({
      ...{ topic, partition, metadata, memberId },
      offset: jsonNumber(offset),
      end: jsonNumber(end),
      lag: jsonNumber(lag),
    })),
  };
}

function linesOf({ group, state, members, offsets }: GroupDetails): string[] {
  const lines = [`${ink(group, "bold")}  ${state}, ${count(members.length, "member")}`];
  const rows = members.map(({ memberId, clientId, clientHost }) => [
    `  ${memberId}`,
    clientId,
    ink(clientHost, "grey"),
  ]);
  lines.push(...columns(rows, "<<<"));
  if (offsets.length === 0) return lines;
  const head = ["  topic", "partition", "goes on at", "end", "lag", "member"].map((text) =>
    ink(text, "grey"),
  );
  const places = offsets.map(({ topic, partition, offset, end, lag, memberId = "" }) => [
    `  ${topic}`,
    ...[partition, offset, end, lag].map(String),
    memberId,
  ]);
  return [...lines, ...columns([head, ...places], "<>>>><")];
}

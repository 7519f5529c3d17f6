import type { Command } from "commander";
import { invalidArgument } from "../../errors.js";
import {
  ask,
  byteSize,
  columns,
  count,
  ink,
  printJson,
  printLine,
  wholeNumber,
} from "../../terminal/index.js";
import { configOf } from "../config-text.js";
import type { TopicRecord } from "../meta/log-meta.js";
import { DEFAULT_CONFIG, type TopicConfig, topicConfig } from "../meta/topic-config.js";
import type { PartitionOffsets } from "../partition/partition-reader.js";
import { checkMorePartitions } from "../topics.js";
import { type AnyLog, type LogFlags, logOptions, type WithLog } from "./any-log.js";
import { jsonNumber, pair } from "./arguments.js";

type Pairs = readonly (readonly [string, string])[];

interface ChangeFlags extends LogFlags {
  readonly partitions?: number;
  readonly config?: Pairs;
  readonly ifNotExists?: true;
}

/** `streamctl topic`. */
export function topicCommand(program: Command, withLog: WithLog): void {
  const group = program
    .command("topic")
    .summary("make, list, change and delete topics")
    .description("Looks after topics.")
    .addHelpText(
      "after",
      `
Examples:
  $ streamctl topic create flights --partitions 3`,
    );
  createCommand(group, withLog);
  listCommand(group, withLog);
  describeCommand(group, withLog);
  alterCommand(group, withLog);
  deleteCommand(group, withLog);
}

const CONFIG = [
  "--config <name=value>",
  "a setting, such as retentionMs=86400000; as often as needed",
] as const;

function createCommand(group: Command, withLog: WithLog): void {
  const command = group
    .command("create")
    .summary("make a topic")
    .description("Makes a topic.")
    .argument("<topic>", "its name")
    .option("--partitions <number>", "how many", wholeNumber(1), 1)
    .option(...CONFIG, pair)
    .option("--if-not-exists", "leave one of that name as it is");
  logOptions(command)
    .addHelpText(
      "after",
      `
Settings and their defaults:
${columns(
  Object.entries(DEFAULT_CONFIG).map(([name, value]) => ["", name, String(value)]),
  "<<<",
).join("\n")}

Examples:
  $ streamctl topic create flights
  $ streamctl topic create flights --partitions 3 --config compression=lz4 --config cleanupPolicy=compact`,
    )
    .action((name: string, { partitions = 1, config = [], ifNotExists, ...flags }: ChangeFlags) =>
      withLog(flags, async (log) => {
        const ifExists = ifNotExists ? "keep" : "fail";
        const settings = configOf(Object.fromEntries(config));
        const topic = await (await log.createTopic(name, { ...settings, partitions, ifExists })).describe();
        if (flags.json) printJson(topic);
        else printLine(`The topic ${ink(topic.name, "bold")} has ${count(topic.partitions, "partition")}.`);
      }),
    );
}

function listCommand(group: Command, withLog: WithLog): void {
  logOptions(group.command("list").summary("list the topics").description("Lists the topics by name."))
    .addHelpText("after", "\nExamples:\n  $ streamctl topic list")
    .action((flags: LogFlags) =>
      withLog(flags, async (log) => {
        const topics = await log.topics();
        if (flags.json) printJson(topics);
        else if (topics.length === 0) printLine("There are no topics yet.");
        else {
          const rows = topics.map(({ name, partitions, config, createdAt }) => [
            ink(name, "bold"),
            count(partitions, "partition"),
            changed(config),
            ink(new Date(createdAt).toISOString(), "grey"),
          ]);
          for (const line of columns(rows, "<><<")) console.log(line);
        }
      }),
    );
}

/** The settings that are not as by default. */
function changed(config: TopicConfig): string {
  return Object.entries(config)
    .filter(([name, value]) => DEFAULT_CONFIG[name as keyof TopicConfig] !== value)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

function describeCommand(group: Command, withLog: WithLog): void {
  const command = group
    .command("describe")
    .summary("say where a topic's partitions begin and end, and how it is set")
    .description(
      "Shows a topic's settings, and for each partition from which offset to which it has records.",
    )
    .argument("<topic>", "its name");
  logOptions(command)
    .addHelpText("after", "\nExamples:\n  $ streamctl topic describe flights")
    .action((name: string, flags: LogFlags) =>
      withLog(flags, async (log) => {
        const topic = await log.topic(name).describe();
        const offsets = await log.topic(name).offsets();
        if (flags.json) printJson({ ...topic, offsets: offsets.map(offsetsJson) });
        else printTopic(topic, offsets);
      }),
    );
}

function offsetsJson(offsets: PartitionOffsets) {
  return Object.fromEntries(Object.entries(offsets).map(([name, offset]) => [name, jsonNumber(offset)]));
}

function printTopic(
  { name, id, createdAt, config }: TopicRecord,
  offsets: readonly PartitionOffsets[],
): void {
  printLine(`${ink(name, "bold")}  ${ink(`${id}, made ${new Date(createdAt).toISOString()}`, "grey")}`);
  const sizes = new Set(["segmentBytes", "maxBatchBytes"]);
  const settings = Object.entries(config).map(([setting, value]) => [
    `  ${setting}`,
    String(value),
    sizes.has(setting) ? ink(byteSize(Number(value)), "grey") : "",
  ]);
  for (const line of columns(settings, "<><")) console.log(line);
  const head = ["  partition", "first", "next", "records", "in the object store to"].map((text) =>
    ink(text, "grey"),
  );
  const rows = offsets.map(({ start, end, stored }, number) => [
    `  ${number}`,
    String(start),
    String(end),
    String(end - start),
    String(stored),
  ]);
  for (const line of columns([head, ...rows], "<>>>>")) console.log(line);
}

function alterCommand(group: Command, withLog: WithLog): void {
  const command = group
    .command("alter")
    .summary("change a topic's settings, or give it more partitions")
    .description(
      "Changes settings of a topic; the others stay. With more partitions, records of one key may go to another partition than before.",
    )
    .argument("<topic>", "its name")
    .option("--partitions <number>", "how many there are to be in all", wholeNumber(1))
    .option(...CONFIG, pair);
  logOptions(command)
    .addHelpText("after", "\nExamples:\n  $ streamctl topic alter flights --config retentionMs=604800000")
    .action((name: string, { partitions, config = [], ...flags }: ChangeFlags) =>
      withLog(flags, async (log) => {
        if (partitions === undefined && config.length === 0)
          throw invalidArgument(
            name,
            "Nothing is to be changed.",
            "Give --config name=value, or --partitions.",
          );
        const settings = configOf(Object.fromEntries(config));
        if (partitions !== undefined) await checkBoth(log, name, settings, partitions);
        if (config.length > 0) await log.alterTopic(name, settings);
        if (partitions !== undefined)
          await log.addPartitions(name, partitions).catch((error: unknown) => {
            if (config.length > 0)
              console.error(`The settings of ${name} were changed, and its partitions were not.`);
            throw error;
          });
        const topic = await log.topic(name).describe();
        if (flags.json) printJson(topic);
        else printTopic(topic, await log.topic(name).offsets());
      }),
    );
}

/** What would be refused is, before anything is changed: the two are two changes. */
async function checkBoth(
  log: AnyLog,
  name: string,
  settings: Partial<TopicConfig>,
  partitions: number,
): Promise<void> {
  const topic = await log.topic(name).describe();
  topicConfig({ ...topic.config, ...settings });
  checkMorePartitions(topic, partitions);
}

function deleteCommand(group: Command, withLog: WithLog): void {
  const command = group
    .command("delete")
    .summary("delete a topic with all its records")
    .description("Deletes a topic with all its records. Asks first.")
    .argument("<topic>", "its name")
    .option("--yes", "do not ask");
  logOptions(command)
    .addHelpText("after", "\nExamples:\n  $ streamctl topic delete flights --yes")
    .action((name: string, { yes, ...flags }: LogFlags & { readonly yes?: true }) =>
      withLog(flags, async (log) => {
        await log.topic(name).describe();
        if (yes !== true && !(await isAgreed(name))) {
          printLine("Nothing was deleted.");
          return;
        }
        await log.deleteTopic(name);
        if (flags.json) printJson({ deleted: name });
        else printLine(`Deleted the topic ${ink(name, "bold")}.`);
      }),
    );
}

async function isAgreed(name: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw invalidArgument(
      name,
      "streamctl topic delete asks before it deletes, and here nobody can answer.",
      "Look at streamctl topic describe, then add --yes.",
    );
  return /^y(es)?$/i.test(await ask(`Delete the topic ${name} with all its records? yes or no`, "no"));
}

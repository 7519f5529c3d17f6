import { invalidArgument } from "../../errors.js";
import { digestOf } from "../../keys.js";
import { checkObject } from "../../options.js";
import { type DatasetKey, datasetKey, datasetText } from "./dataset.js";
import { type FullPolicy, fullPolicy } from "./policy.js";
import type { Step } from "./step.js";
import { checkedTriggers, type PipelineTrigger } from "./trigger.js";

export interface PipelineInit {
  /** Letters, digits, `-` and `_`. */
  readonly name: string;
  readonly description?: string | undefined;
  readonly steps: readonly Step[];
  /** How many steps run at a time. 4 where not given. */
  readonly concurrency?: number | undefined;
  /** How many steps of a pool run at a time, by its name. */
  readonly pools?: Readonly<Record<string, number>> | undefined;
  /** What begins its runs while it is watched (`slh pipeline watch`): schedules, and sensors of tables and topics. */
  readonly triggers?: readonly PipelineTrigger[] | undefined;
}

/** A step in its graph. */
export interface Node {
  readonly step: Step;
  readonly policy: FullPolicy;
  readonly reads: readonly DatasetKey[];
  readonly writes: readonly DatasetKey[];
  /** Names of the steps right before it. */
  readonly upstream: readonly string[];
}

const BRAND = Symbol.for("sololakehouse.pipeline");

/** A pipeline: what `definePipeline` makes. */
export interface PipelineDefinition {
  readonly name: string;
  readonly description: string | undefined;
  /** Each after those that it follows. */
  readonly nodes: readonly Node[];
  readonly concurrency: number;
  readonly pools: Readonly<Record<string, number>>;
  readonly triggers: readonly PipelineTrigger[];
  /** The same for the same steps: a run is resumed by the pipeline that it was begun with. */
  readonly fingerprint: string;
}

/**
 * Declares a pipeline. The order follows from what its steps read and write.
 *
 * @throws LakehouseError INVALID_ARGUMENT for steps of one name, two that write one table, steps in a circle.
 * @example
 * export default definePipeline({
 *   name: "flights",
 *   steps: [ingest, ...tasks.map((task) => taskStep(task)), checkStep(silverFlights), train],
 * });
 */
export function definePipeline(init: PipelineInit): PipelineDefinition {
  checkObject("definePipeline", "parts", init);
  const { name, description, steps, concurrency = 4, pools = {}, triggers = [] } = init;
  if (typeof name !== "string" || !/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(name))
    throw invalidArgument(
      String(name),
      `${JSON.stringify(name)} cannot be the name of a pipeline.`,
      "Use up to 100 letters, digits, hyphens and underscores.",
    );
  if (!Array.isArray(steps) || steps.length === 0)
    throw invalidArgument(name, `The pipeline ${name} has no steps.`, "Give some by `steps`.");
  for (const [what, limit] of [["concurrency", concurrency] as const, ...Object.entries(pools)])
    if (!Number.isSafeInteger(limit) || limit < 1)
      throw invalidArgument(
        name,
        `${limit} as ${what} of ${name} lets nothing run.`,
        "Give a whole number from 1 on.",
      );
  const nodes = inOrder(name, nodesOf(name, steps, pools));
  return {
    name,
    description,
    nodes,
    concurrency,
    pools,
    triggers: checkedTriggers(
      name,
      triggers,
      nodes.flatMap(({ writes }) => writes),
    ),
    fingerprint: digestOf(nodes.map(fingerprintOf)),
    [BRAND]: true,
  } as PipelineDefinition;
}

/** True for what `definePipeline` made, in whichever copy of this library. */
export function isPipeline(given: unknown): given is PipelineDefinition {
  return typeof given === "object" && given !== null && BRAND in given;
}

function nodesOf(pipeline: string, steps: readonly Step[], pools: Readonly<Record<string, number>>): Node[] {
  const names = new Set<string>();
  const writers = new Map<string, string>();
  const drafts = steps.map((step) => {
    const { name, reads, writes } = step ?? {};
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them belongs in a name
    if (typeof name !== "string" || !/^[^\u0000-\u001f\u007f]{1,200}$/.test(name))
      throw invalidArgument(
        pipeline,
        `${JSON.stringify(name)} cannot be the name of a step.`,
        "Give it a short name.",
      );
    if (names.has(name))
      throw invalidArgument(
        name,
        `The pipeline ${pipeline} has two steps of the name ${name}.`,
        "Call one another.",
      );
    names.add(name);
    const policy = fullPolicy(name, step.policy);
    if (policy.pool !== undefined && !Object.hasOwn(pools, policy.pool))
      throw invalidArgument(
        name,
        `${name} is of the pool ${policy.pool}, which ${pipeline} does not have.`,
        "Name it in `pools`, with how many run at a time.",
      );
    const written = Object.values(writes).map((each) => datasetKey(name, each));
    for (const each of written.map(datasetText)) {
      const other = writers.get(each);
      if (other !== undefined && other !== name)
        throw invalidArgument(
          each,
          `${other} and ${name} both write ${each}: which one goes first cannot be told.`,
          "Make one step of both.",
        );
      writers.set(each, name);
    }
    return {
      step,
      policy,
      reads: Object.values(reads).map((each) => datasetKey(name, each)),
      writes: written,
    };
  });
  return drafts.map((draft): Node => {
    const { name } = draft.step;
    for (const each of draft.policy.after)
      if (!names.has(each))
        throw invalidArgument(
          each,
          `${name} goes after ${each}, and ${pipeline} has no such step.`,
          "Name one that it has.",
        );
    const makers = draft.reads.map((each) => writers.get(datasetText(each)));
    const before = [...makers, ...draft.policy.after].filter((each) => each !== undefined && each !== name);
    return { ...draft, upstream: [...new Set(before as string[])] };
  });
}

/** Kahn's algorithm; of those that are free, as they were given. */
function inOrder(pipeline: string, nodes: readonly Node[]): Node[] {
  const waiting = new Map(nodes.map(({ step, upstream }) => [step.name, upstream.length]));
  const followers = followersOf(nodes);
  const free = nodes.filter(({ upstream }) => upstream.length === 0);
  const ordered: Node[] = [];
  for (const node of free) {
    ordered.push(node);
    for (const next of followers.get(node.step.name) ?? []) {
      const left = (waiting.get(next.step.name) ?? 0) - 1;
      waiting.set(next.step.name, left);
      if (left === 0) free.push(next);
    }
  }
  if (ordered.length === nodes.length) return ordered;
  const stuck = nodes.filter((node) => !ordered.includes(node)).map(({ step }) => step.name);
  throw invalidArgument(
    pipeline,
    `Steps of ${pipeline} wait for each other: ${stuck.join(", ")}.`,
    "A table cannot be made of itself.",
  );
}

/** The steps right behind each. */
export function followersOf(nodes: readonly Node[]): ReadonlyMap<string, readonly Node[]> {
  const followers = new Map<string, Node[]>();
  for (const node of nodes)
    for (const each of node.upstream) {
      const known = followers.get(each);
      if (known === undefined) followers.set(each, [node]);
      else known.push(node);
    }
  return followers;
}

function fingerprintOf({ step, reads, writes, upstream }: Node): unknown {
  const does =
    step.kind === "task"
      ? { sql: step.task.sql, write: step.task.write }
      : step.kind === "function"
        ? step.run.toString()
        : step.contract?.checks;
  return { name: step.name, kind: step.kind, reads, writes, upstream, does };
}

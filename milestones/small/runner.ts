// Written by slh run from the cells of m08 that have the tag module:../small/runner.ts.

// Given: what a task is
import { randomUUID } from "node:crypto";
import { headOf, readCommit, startBranch, writeCommit } from "../small/commits.js";
import { gate, isBefore } from "../small/gate.js";
import { movePointer, readPointer } from "../small/store.js";

export interface SmallTask {
  readonly name: string;
  /** Names of the tasks that go before it. */
  readonly after?: readonly string[];
  /** Tries after the first. None where not given. */
  readonly retries?: number;
  /** Commits to the branch that it is given, as often as it likes. */
  readonly work: (branch: string) => Promise<void>;
}

/** Each after those that it waits for. */
function inOrder(tasks: readonly SmallTask[]): SmallTask[] {
  const ordered: SmallTask[] = [];
  const left = [...tasks];
  while (left.length > 0) {
    const isFree = ({ after = [] }: SmallTask) =>
      after.every((name) => ordered.some((one) => one.name === name));
    const next = left.findIndex(isFree);
    if (next < 0) throw new Error(`These wait for each other: ${left.map(({ name }) => name).join(", ")}.`);
    ordered.push(...left.splice(next, 1));
  }
  return ordered;
}

/** The messages of a branch's commits. */
async function messagesOf(root: string, ref: string): Promise<Set<string>> {
  const messages = new Set<string>();
  let { value: at } = await readPointer(root, `refs/${ref}`);
  while (at !== "") {
    const { message, parent } = await readCommit(root, at);
    messages.add(message);
    at = parent ?? "";
  }
  return messages;
}

/** Does a task on a branch of its own, and brings all of it to the run's branch by one commit. */
async function doTask(root: string, run: string, task: SmallTask, message: string): Promise<void> {
  const before = await readPointer(root, `refs/${run}`);
  const own = `try-${randomUUID()}`;
  await startBranch(root, own, run);
  await task.work(own);
  const tables = (await headOf(root, own))?.tables ?? {};
  const commit = await writeCommit(root, { parent: before.value || null, message, tables });
  // Where it has moved meanwhile, somebody else goes on with the run.
  if (!(await movePointer(root, `refs/${run}`, before, commit)))
    throw new Error(`${run} is another's by now.`);
}

/** Does what is left of a run, and moves `into` there when all is done. Gives the names of the tasks that it did. */
export async function runTasks(
  root: string,
  id: string,
  into: string,
  tasks: readonly SmallTask[],
): Promise<string[]> {
  const run = `run-${id}`;
  const did: string[] = [];
  const order = inOrder(tasks);
  // Where there is one already, an earlier process has made it, and what is on it is done.
  await startBranch(root, run, into);
  for (const task of order) {
    const message = `${run}: ${task.name}`;
    if ((await messagesOf(root, run)).has(message)) continue;
    for (let left = task.retries ?? 0; ; left--) {
      try {
        await doTask(root, run, task, message);
        break;
      } catch (error) {
        if (left === 0) throw error;
      }
    }
    did.push(task.name);
  }
  const { value: all } = await readPointer(root, `refs/${run}`);
  const { value: target } = await readPointer(root, `refs/${into}`);
  if (await isBefore(root, all, target)) return did;
  const { outcome } = await gate(root, run, into, async () => []);
  if (outcome !== "published") throw new Error(`${into} has moved since ${run} began.`);
  return did;
}

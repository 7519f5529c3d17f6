import { invalidArgument } from "../errors.js";
import type { Task } from "./task.js";

/**
 * The tasks, each after those that make what it reads, else as they were given.
 *
 * @throws LakehouseError INVALID_ARGUMENT where two make one table, or they read each other.
 */
export function inOrder(tasks: readonly Task[]): readonly Task[] {
  const byName = new Map<string, Task>();
  for (const task of tasks) {
    if (byName.has(task.name))
      throw invalidArgument(task.name, `Two tasks make the table ${task.name}.`, "Make one of them of both.");
    byName.set(task.name, task);
  }
  const ordered = new Set<Task>();
  const visit = (task: Task, path: readonly string[]): void => {
    if (ordered.has(task)) return;
    if (path.includes(task.name))
      throw invalidArgument(
        task.name,
        `Tasks read each other: ${[...path, task.name].join(" makes ")}.`,
        "A table cannot be made of itself.",
      );
    for (const read of [...Object.values(task.changes), ...Object.values(task.reads)]) {
      const maker = byName.get(read);
      if (maker !== undefined) visit(maker, [...path, task.name]);
    }
    ordered.add(task);
  };
  for (const task of tasks) visit(task, []);
  return [...ordered];
}

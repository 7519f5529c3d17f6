import { randomUUID } from "node:crypto";
import type { ScanTask, Schema, SpecsById } from "../../../iceberg/index.js";
import { Fault } from "../http/fault.js";

/** A planned scan: its tasks, and what it takes to write them down. */
export interface ScanPlan {
  /** Of the table. */
  readonly tableUuid: string;
  readonly tasks: readonly ScanTask[];
  readonly schema: Schema;
  readonly specs: SpecsById;
  /** Columns whose metrics the client wants. */
  readonly statsFields: readonly number[];
}

/** Tasks in one answer; a plan task stands for so many more. */
const PAGE_TASKS = 1000;

/** For how long a client may come back for the rest of a plan. */
const LIFETIME_MS = 15 * 60_000;

/** Tasks that are held at a time, of all plans together. The oldest plans go first. */
const MAX_TASKS = 100_000;

/**
 * The plans that clients may still ask for, in the memory of this server: a client whose plan is gone, because the
 * server started anew or because it came late, plans again.
 */
export class ScanPlans {
  readonly #plans = new Map<string, { readonly plan: ScanPlan; readonly until: number }>();
  #tasks = 0;

  keep(plan: ScanPlan): string {
    const id = randomUUID();
    this.#plans.set(id, { plan, until: performance.now() + LIFETIME_MS });
    this.#tasks += plan.tasks.length;
    for (const [oldest, { until }] of this.#plans) {
      if (oldest === id || (this.#tasks <= MAX_TASKS && until > performance.now())) break;
      this.#drop(oldest);
    }
    return id;
  }

  /** @throws Fault 404 */
  get(id: string, tableUuid: string): ScanPlan {
    const known = this.#plans.get(id);
    if (known !== undefined && known.plan.tableUuid === tableUuid && known.until > performance.now()) {
      return known.plan;
    }
    throw new Fault(404, "NoSuchPlanIdException", `There is no plan ${id}, or no more: plan the scan again.`);
  }

  /** @throws Fault 404 */
  cancel(id: string, tableUuid: string): void {
    this.get(id, tableUuid);
    this.#drop(id);
  }

  /** The tasks that a plan task stands for. @throws Fault 404 */
  page(
    planTask: string,
    tableUuid: string,
  ): { readonly plan: ScanPlan; readonly tasks: readonly ScanTask[] } {
    const [, id = "", number = ""] = /^([0-9a-f-]{36})\/(\d{1,9})$/.exec(planTask) ?? [];
    const known = this.#plans.get(id);
    const tasks = known === undefined ? [] : pageOf(known.plan, Number(number));
    if (known?.plan.tableUuid === tableUuid && tasks.length > 0) return { plan: known.plan, tasks };
    throw new Fault(
      404,
      "NoSuchPlanTaskException",
      "There is no such plan task, or no more: plan the scan again.",
    );
  }

  #drop(id: string): void {
    this.#tasks -= this.#plans.get(id)?.plan.tasks.length ?? 0;
    this.#plans.delete(id);
  }
}

/** The tasks that come with the plan itself. */
export function firstPage(plan: ScanPlan): readonly ScanTask[] {
  return pageOf(plan, 0);
}

/** What to fetch the others with. */
export function planTasks(id: string, { tasks }: ScanPlan): string[] {
  const pages = Math.max(0, Math.ceil(tasks.length / PAGE_TASKS) - 1);
  return Array.from({ length: pages }, (_, index) => `${id}/${index + 1}`);
}

function pageOf({ tasks }: ScanPlan, number: number): readonly ScanTask[] {
  return tasks.slice(number * PAGE_TASKS, (number + 1) * PAGE_TASKS);
}

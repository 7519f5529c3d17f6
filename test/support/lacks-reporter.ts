// Ends a run with one loud line for each thing that tests were skipped for.
import type { Reporter, TestModule } from "vitest/node";
import type {} from "./needs.js";

export default class LacksReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = new Map<string, number>();
    for (const module of modules) {
      for (const test of module.children.allTests("skipped")) {
        const result = test.result();
        const what = test.meta().lacks ?? (result.state === "skipped" ? result.note : undefined);
        if (what !== undefined) counts.set(what, (counts.get(what) ?? 0) + 1);
      }
    }
    for (const [what, count] of counts)
      console.warn(`!! SKIPPED ${count} ${count === 1 ? "test" : "tests"}, for want of ${what}`);
  }
}

// A worker of Trino's is killed in the middle of a statement. With task retries the statement ends right; without, the same
// kill ends it with an error, so that it is the retries that mend it.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SERVICES, statusOf } from "../../../../lib/kit/stack/index.js";
import { needsTrino, type TrinoClient, trinoAt } from "../../../interop/trino-client.js";
import { openReader } from "../reader.js";
import { type OwnStack, ownStack } from "../support.js";
import { ENGINES, untilAllNodesAreThere } from "./engines.js";

const WORKERS = [SERVICES["trino-worker-1"], SERVICES["trino-worker-2"]] as const;
type Worker = (typeof WORKERS)[number];
const ROWS = 400_000;

/** Takes a while for each row, so that a task is still at it when its node is killed. It comes to 45150 * id % 1000003. */
const SLOW = "reduce(sequence(1, 300), bigint '0', (sum, x) -> (sum + x * id) % 1000003, sum -> sum)";

describe("Trino", needsTrino, () => {
  let stack: OwnStack;
  let trino: TrinoClient;
  beforeAll(async () => {
    stack = await ownStack();
    await stack.start(...ENGINES);
    trino = trinoAt(`http://127.0.0.1:${stack.home.port("trino", "http")}`);
    await untilAllNodesAreThere(trino);
    await trino.query("create schema lake.s");
    await trino.query(
      `create table lake.s.source with (partitioning = array['bucket(id, 8)']) as
        select bigint '1' * (a.n * 1000 + b.n) as id
        from unnest(sequence(0, ${ROWS / 1000 - 1})) as a(n) cross join unnest(sequence(0, 999)) as b(n)`,
    );
  });
  afterAll(() => stack?.dispose());

  /** Kills the first worker that is at a task of the statement with this mark in it, while it is. */
  async function killWorker(mark: string, statement: Promise<unknown>): Promise<Worker> {
    let isOver = false;
    void statement
      .catch(() => {})
      .finally(() => {
        isOver = true;
      });
    for (;;) {
      const [busy] = await trino.query(
        `select n.http_uri as uri from system.runtime.tasks t join system.runtime.nodes n on n.node_id = t.node_id
          join system.runtime.queries q on q.query_id = t.query_id
          where not n.coordinator and t.state = 'RUNNING' and t.split_cpu_time_ms > 200
          and q.query like '%${mark}%' and q.query not like '%system.runtime%'`,
        { retry_policy: "NONE" },
      );
      if (isOver) throw new Error(`the statement ${mark} was over before a worker was killed`);
      const worker = WORKERS.find(
        ({ name }) => busy?.uri === `http://127.0.0.1:${stack.home.port(name, "http")}`,
      );
      if (worker === undefined) {
        await sleep(100);
        continue;
      }
      process.kill(-((await statusOf(worker, stack.home)).pid as number), "SIGKILL");
      return worker;
    }
  }

  test("ends a statement right whose worker is killed, and each row is written once", async () => {
    const statement = trino.query(
      `create table lake.s.copied with (partitioning = array['bucket(id, 16)']) as
        select id, ${SLOW} as slow from lake.s.source /* retried */`,
      SPREAD,
    );
    const [killed] = await Promise.all([killWorker("/* retried */", statement), statement]);
    expect(await statusOf(killed, stack.home)).toMatchObject({ state: "crashed" });
    const { engine, close } = await openReader(stack, "lake");
    const counted = await engine.sql(
      `select count(*)::int as n, count(distinct id)::int as d, min(id)::int as least, max(id)::int as most,
        (count(*) filter (where slow is distinct from 45150 * id % 1000003))::int as wrong from s.copied`,
    );
    expect(await counted.rows()).toEqual([{ n: ROWS, d: ROWS, least: 0, most: ROWS - 1, wrong: 0 }]);
    await close();
    await stack.start(killed);
    await untilAllNodesAreThere(trino);
  });

  test("without retries it does not", async () => {
    const statement = trino.refused(
      `select sum(slow) from (select id % 97 as k, sum(${SLOW}) as slow from lake.s.source group by 1) /* not retried */`,
      { retry_policy: "NONE" },
    );
    const [, message] = await Promise.all([killWorker("/* not retried */", statement), statement]);
    expect(message).toMatch(/node|worker|server/i);
  });
});

/** So that a table of few megabytes is more than one task. */
const SPREAD = { fault_tolerant_execution_arbitrary_distribution_compute_task_target_size_min: "1MB" };

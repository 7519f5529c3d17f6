import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Commit, type Operation, SqliteBackend, VersionStore } from "sololakehouse/catalog";
import type { Bench, Measurement } from "./harness.js";

export const bench: Bench = {
  about:
    "A catalog of 100,000 tables and 10,000 commits beside one of 100 and 100: milliseconds (medians) of a commit, a lookup, a diff of 10 changes, a merge of 10. Aim: at most 3x.",
  contenders: [
    { name: "100,000 tables", run: () => run(100_000, 10_000) },
    { name: "100 tables", run: () => run(100, 100) },
  ],
  rounds: 3,
};

async function run(tables: number, commits: number): Promise<Measurement> {
  const directory = await mkdtemp(join(tmpdir(), "bench-catalog-"));
  const backend = new SqliteBackend(join(directory, "catalog.db"));
  try {
    const store = new VersionStore(backend);
    await store.ensureBranch("main");
    await fill(store, tables);
    const any = (): number => Math.floor(Math.random() * tables);
    let state = 0;
    const change = (branch: string, numbers: readonly number[]) =>
      store.commit(
        branch,
        numbers.map((n) => putTable(n, ++state)),
        { message: "change" },
      );
    const head = async () => (await store.resolve("main")).commit;

    for (let i = 0; i < commits; i++) await change("main", [any()]);
    const commitMs = await medianMs(300, async () => {
      await change("main", [any()]);
    });
    const lookupMs = await medianMs(2000, async () => {
      await store.content(await head(), keyOf(any()));
    });
    const before = await head();
    for (let i = 0; i < 10; i++) await change("main", [(i * 7) % tables]);
    const after = await head();
    const diffMs = await medianMs(100, async () => {
      for await (const _ of store.diff(before, after));
    });
    const sources: { name: string; commit: Commit }[] = [];
    for (let i = 0; i < 30; i++) {
      await store.createReference("BRANCH", `b${i}`, (await head()).hash);
      await change(
        `b${i}`,
        Array.from({ length: 10 }, (_, j) => (i + j * 7) % 90),
      );
      sources.push({ name: `b${i}`, commit: (await store.resolve(`b${i}`)).commit });
      await change("main", [95]);
    }
    let merges = 0;
    const mergeMs = await medianMs(sources.length, async () => {
      const source = sources[merges++];
      if (source) await store.merge("main", source, { defaultBehavior: "FORCE" });
    });
    return { commitMs, lookupMs, diffMs, mergeMs, rssMiB: process.memoryUsage.rss() / 2 ** 20 };
  } finally {
    await backend.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function fill(store: VersionStore, tables: number): Promise<void> {
  const namespaces = Array.from({ length: 100 }, (_, n): Operation => {
    return { type: "PUT", key: [`ns${n}`], content: { type: "NAMESPACE", id: `ns${n}`, properties: {} } };
  });
  await store.commit("main", namespaces, { message: "namespaces" });
  for (let start = 0; start < tables; start += 1000) {
    const count = Math.min(1000, tables - start);
    const operations = Array.from({ length: count }, (_, n) => putTable(start + n, 0));
    await store.commit("main", operations, { message: "fill" });
  }
}

function keyOf(n: number): string[] {
  return [`ns${n % 100}`, `table_${n}`];
}

function putTable(n: number, state: number): Operation {
  const id = `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
  const metadataLocation = `s3://lake/warehouse/ns${n % 100}/table_${n}-${id}/metadata/${String(state).padStart(5, "0")}-${id}.metadata.json`;
  const ids = { snapshotId: String(state), schemaId: 0, specId: 0, sortOrderId: 0 };
  return { type: "PUT", key: keyOf(n), content: { type: "ICEBERG_TABLE", id, metadataLocation, ...ids } };
}

async function medianMs(times: number, work: () => Promise<void>): Promise<number> {
  const samples: number[] = [];
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    await work();
    samples.push(performance.now() - start);
  }
  samples.sort((a, b) => a - b);
  return samples[Math.floor(samples.length / 2)] ?? Number.NaN;
}

import { mkdtemp, rm } from "node:fs/promises";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type BranchingCatalog, openCatalog } from "../../lib/lakehouse/catalog/index.js";
import { LocalStore } from "../../lib/lakehouse/storage/index.js";
import {
  finalReads,
  historyClient,
  outcomes,
  prepare,
  toHistory,
  violationOf,
} from "../catalog/support/history.js";
import type { Child, ChildProgram } from "../storage/child.js";
import { needs } from "../support/needs.js";
import { type EtcdCluster, findEtcd, type Host, needsEtcd, startEtcd } from "./etcd-cluster.js";
import { addNetwork, canAddNetwork, type Network } from "./networks.js";

const binary = findEtcd();
const canCut = binary !== undefined && canAddNetwork();

describe("a catalog in etcd", needsEtcd, () => {
  let client: ChildProgram;
  let cluster: EtcdCluster;
  let directory: string;
  let catalog: BranchingCatalog;
  beforeAll(async () => {
    client = await historyClient();
  });
  afterAll(() => client?.dispose());
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "catalog-etcd-"));
  });
  afterEach(async () => {
    await catalog.close();
    await cluster.dispose();
    await rm(directory, { recursive: true, force: true });
  });

  async function start(hosts?: readonly Host[]): Promise<void> {
    cluster = await startEtcd(binary as string, hosts);
    catalog = await openCatalog({
      backend: cluster.uri,
      store: new LocalStore(join(directory, "warehouse")),
    });
    await prepare(catalog);
  }

  /** Runs clients for some seconds while faults happen, and holds what they saw against the model. */
  async function underFaults(seconds: number, faults: () => Promise<void>): Promise<void> {
    const place = (n: number) => {
      // Each client asks another member first.
      const addresses = cluster.members.map(({ address }) => address);
      return `etcd://${[...addresses.slice(n), ...addresses.slice(0, n)].join(",")}`;
    };
    const clients: Child[] = [0, 1, 2].map((n) =>
      client.start(place(n), join(directory, "warehouse"), `c${n}`, String(seconds * 1000), "jumping"),
    );
    await faults();
    const outputs = await Promise.all(clients.map(({ done }) => done));
    const history = [...toHistory(outputs), ...(await finalReads(catalog))];
    expect(violationOf(history)).toBeUndefined();
    expect(outcomes(history).committed).toBeGreaterThan(20);
    expect(outcomes(history).conflict).toBeGreaterThan(5);
  }

  test("loses no commit when the leader is killed, again and again, and the clients go on by themselves", async () => {
    await start();
    await underFaults(14, async () => {
      for (let kill = 0; kill < 3; kill++) {
        await sleep(1000);
        const leader = await cluster.leader();
        await leader.kill();
        await sleep(2500);
        leader.start();
      }
    });
  });

  test("is not split by a leader that stands still and wakes up as if nothing had been", async () => {
    await start();
    await underFaults(12, async () => {
      for (let pause = 0; pause < 2; pause++) {
        await sleep(1000);
        const leader = await cluster.leader();
        leader.pause();
        await sleep(3500);
        leader.resume();
      }
    });
  });

  test(
    "is not split by a network that is cut between the leader and the others",
    needs(canCut, "network namespaces (they need root)"),
    async () => {
      const network = addNetwork("slh-etcd", "10.231.97", 3) as Network;
      try {
        await start(network.hosts);
        await underFaults(14, async () => {
          for (let cut = 0; cut < 2; cut++) {
            await sleep(1000);
            const leader = cluster.members.indexOf(await cluster.leader());
            const others = [0, 1, 2].filter((index) => index !== leader);
            // The clients still reach it: it alone may not answer them.
            network.cut(leader, others);
            await sleep(4000);
            network.mend(leader, others);
          }
        });
      } finally {
        await cluster?.dispose();
        network.remove();
      }
    },
  );

  test("applies a commit once, though its answer is lost and it is sent again", async () => {
    await start();
    // Stands before a member, does what it is asked, and keeps the answers of the next few changes to itself.
    let toLose = 0;
    const [target = ""] = cluster.members.map(({ address }) => address);
    const proxy = createServer((incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        const body = Buffer.concat(chunks);
        const headers = { "content-type": "application/json", "content-length": body.length };
        const forwarded = request(
          `http://${target}${incoming.url}`,
          { method: "POST", headers },
          (answer) => {
            if (body.includes("request_put") && toLose > 0) {
              toLose -= 1;
              answer.resume().on("end", () => incoming.socket.destroy());
            } else answer.pipe(outgoing);
          },
        );
        forwarded.end(body);
      });
    });
    await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
    const { port } = proxy.address() as AddressInfo;
    const behind = await openCatalog({
      backend: `etcd://127.0.0.1:${port}`,
      store: new LocalStore(join(directory, "warehouse")),
    });
    const before = (await catalog.log()).items.length;
    for (const lost of [1, 2, 3]) {
      toLose = lost;
      await behind.createNamespace(`lost${lost}`);
      expect(toLose).toBe(0);
    }
    expect((await catalog.log()).items).toHaveLength(before + 3);
    expect(await catalog.listNamespaces()).toHaveLength(4);
    await behind.close();
    proxy.closeAllConnections();
    await new Promise((done) => proxy.close(done));
  });

  test("says that it cannot be reached, and that an outcome is unknown, when most members are gone", async () => {
    await start();
    const [first, second] = cluster.members;
    await Promise.all([first?.kill(), second?.kill()]);
    await expect(catalog.createNamespace("more")).rejects.toMatchObject({
      code: expect.stringMatching(/^(COMMIT_STATE_UNKNOWN|STORAGE_FAILED|CATALOG_UNAVAILABLE)$/),
    });
    first?.start();
    await cluster.leader();
    expect(await catalog.namespaceExists("ns")).toBe(true);
  });
});

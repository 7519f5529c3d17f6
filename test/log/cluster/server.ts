import { EtcdCluster } from "../../../lib/lakehouse/log/cluster/etcd-cluster.js";
import type { Home } from "../../../lib/lakehouse/log/cluster/home.js";
import { notLeader } from "../../../lib/lakehouse/log/errors.js";
import { EtcdMeta } from "../../../lib/lakehouse/log/meta/etcd-meta.js";
import { EtcdMirror } from "../../../lib/lakehouse/log/meta/mirror.js";
import { sleep } from "../../../lib/lakehouse/log/partition/clock.js";
import { Learner } from "../../../lib/lakehouse/log/partition/learn.js";
import type { Place } from "../../../lib/lakehouse/log/partition/place.js";
import { Writer } from "../../../lib/lakehouse/log/writer.js";
import { storageFailed } from "../../../lib/lakehouse/storage/index.js";
import { emptyMeta } from "../support/histories.js";
import { Machine, type World } from "../support/world.js";
import type { FakeEtcd, Link } from "./fake-etcd.js";

const CUT_MS = 3_000;

/** A server of a log on a simulated machine: what is on its disk survives its process. */
export class SimulatedServer {
  readonly machine: Machine;
  readonly #world: World;
  readonly #etcd: FakeEtcd;
  readonly #place: Place;
  readonly #local = emptyMeta();
  /** How fast its clock goes. */
  readonly #rate: number;
  #home: Home;
  /** Nothing that it asks of etcd gets there. */
  isCut = false;
  writer: Writer | undefined;
  cluster: EtcdCluster | undefined;
  meta: EtcdMeta | undefined;
  learner: Learner | undefined;

  constructor(world: World, etcd: FakeEtcd, place: Place, name: string) {
    this.machine = new Machine(world);
    this.#world = world;
    this.#etcd = etcd;
    this.#place = place;
    this.#home = { id: name, broker: undefined };
    this.#rate = 0.95 + world.random() / 10;
  }

  get isUp(): boolean {
    return this.writer !== undefined;
  }

  /** Begins a process, and tries until it is up. */
  async start(): Promise<void> {
    const { store, clock, disk } = this.machine;
    const wait = (ms: number, signal: AbortSignal) => sleep(clock, ms, signal);
    const etcd = this.#etcd.client(this.#link, wait);
    const onFailure = () => undefined;
    const mirror = new EtcdMirror({ etcd, prefix: "log/", sleep: wait, onFailure });
    const meta = new EtcdMeta(mirror, this.#local);
    const cluster = new EtcdCluster({
      etcd,
      mirror,
      clock,
      elapsed: () => this.#world.now * this.#rate,
      home: this.#home,
      onBroker: (broker) => {
        this.#home = { ...this.#home, broker };
      },
      topics: () => meta.topics(),
      onFailure,
    });
    await this.#untilDone(() => meta.start());
    const place = this.#place;
    const parts = {
      store,
      clock,
      disk,
      place,
      meta,
      cluster,
      bufferBytes: 4_096,
      keptBytes: 300,
      mergeAt: 3,
    };
    const writer = await this.#untilDone(async () => {
      await cluster.join();
      return Writer.open({ ...parts, onFailure });
    });
    cluster.onChange(() => void writer.dropLost());
    cluster.lead(writer);
    this.meta = meta;
    this.cluster = cluster;
    this.learner = new Learner(parts);
    this.writer = writer;
  }

  /** The process dies. */
  kill(): void {
    this.machine.crash();
    this.writer = undefined;
    this.cluster = undefined;
  }

  async #untilDone<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!storageFailed.is(error) && !notLeader.is(error)) throw error;
        await sleep(this.machine.clock, 50);
      }
    }
  }

  readonly #link: Link = async (what, work) => {
    if (!this.isCut) return this.machine.request(what, work);
    await sleep(this.machine.clock, CUT_MS);
    throw storageFailed("etcd", `Simulated: ${what} does not get there.`);
  };
}

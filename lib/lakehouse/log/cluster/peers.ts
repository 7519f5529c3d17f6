import type { LogCore } from "../core.js";
import { ledElsewhere } from "../errors.js";
import { logClusterFailures } from "../metrics.js";
import type { Cluster, PeerEndpoint } from "./cluster.js";
import { localPeer } from "./local-peer.js";
import type { Peer } from "./peer.js";
import { listenToPeers, PeerChannel, type PeerListener } from "./peer-channel.js";
import { peerListener } from "./peer-server.js";
import { remotePeer } from "./remote-peer.js";

/** Where a server listens to the others of its log. */
export interface PeerOptions {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Where the others are told to connect. */
  readonly advertised: string;
}

/** The servers of a log, this one among them. */
export class Peers {
  readonly #core: LogCore;
  readonly #cluster: Cluster;
  readonly #local: Peer;
  /** By where they are, and their key. */
  readonly #channels = new Map<string, { readonly channel: PeerChannel; readonly peer: Peer }>();
  readonly #unlisten: () => void;
  #listening: Promise<PeerListener> | undefined;

  constructor(core: LogCore, cluster: Cluster) {
    this.#core = core;
    this.#cluster = cluster;
    this.#local = localPeer(core);
    this.#unlisten = cluster.onChange(() => this.#closeGone());
  }

  /** Once: who calls first says where. */
  async listen(options: PeerOptions): Promise<void> {
    if (!this.#cluster.isShared || this.#listening !== undefined) return;
    const onFault = (error: unknown) => logClusterFailures.publish({ error });
    this.#listening = listenToPeers(options, peerListener(this.#local, onFault));
    this.#listening.catch(() => {
      this.#listening = undefined;
    });
    const { endpoint } = await this.#listening;
    await this.#cluster.announce({ peers: endpoint });
  }

  /** Who leads a partition. @throws LakehouseError NO_SUCH_TOPIC; NOT_LEADER where nobody does that could be asked. */
  async find(topicId: string, number: number): Promise<Peer> {
    const cluster = this.#cluster;
    if (cluster.leads(topicId, number)) return this.#local;
    const leader = cluster.leader(topicId, number);
    const broker = cluster.brokers().find(({ id }) => id === leader?.broker && id !== cluster.self);
    if (broker?.peers !== undefined) return this.#at(broker.peers);
    // Of a topic that is deleted nobody ever will.
    const { name } = await this.#core.knownTopic(topicId);
    throw ledElsewhere(`${name}/${number}`);
  }

  async close(): Promise<void> {
    this.#unlisten();
    const listener = await this.#listening?.catch(() => undefined);
    await listener?.close();
    for (const { channel } of this.#channels.values()) channel.close();
  }

  #at(endpoint: PeerEndpoint): Peer {
    const key = keyOf(endpoint);
    let known = this.#channels.get(key);
    if (known === undefined) {
      const channel = new PeerChannel(endpoint);
      known = { channel, peer: remotePeer(channel) };
      this.#channels.set(key, known);
    }
    return known.peer;
  }

  #closeGone(): void {
    const there = new Set(this.#cluster.brokers().map(({ peers }) => peers && keyOf(peers)));
    for (const [key, { channel }] of this.#channels)
      if (!there.has(key)) {
        this.#channels.delete(key);
        channel.close();
      }
  }
}

function keyOf({ host, port, key }: PeerEndpoint): string {
  return `${host}:${port} ${key}`;
}

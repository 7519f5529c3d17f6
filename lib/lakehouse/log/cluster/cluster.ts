/** The servers of a log, and who leads which partition. */

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** With the key by which whoever connects shows that he may: base64url. */
export interface PeerEndpoint extends Endpoint {
  readonly key: string;
}

/** Where a server listens, for clients and for other servers. */
export interface Endpoints {
  readonly kafka?: Endpoint | undefined;
  readonly grpc?: Endpoint | undefined;
  /** For other servers. */
  readonly peers?: PeerEndpoint | undefined;
}

/** A process that writes the log, and lives. */
export interface Broker extends Endpoints {
  readonly id: number;
}

/** Who should write a partition. */
export interface Leadership {
  readonly broker: number;
  /** Larger than that of every leader before: 31 bits, as Kafka has it. */
  readonly epoch: number;
}

/**
 * Answers at once, by what it heard last: others may know more. That a partition has one leader is what it aims at; that
 * it has one sequence of records is the object store's to see to, whoever believes himself its leader.
 */
export interface Cluster {
  /** This process among the brokers. */
  readonly self: number;
  /** Others may write the same log. What only this machine has is lost with it, and by a takeover. */
  readonly isShared: boolean;
  /** The others believe that this process lives, and it hears of them. */
  readonly isLive: boolean;
  /** Those that live, by id. */
  brokers(): readonly Broker[];
  /** Tells the others where this process listens; what is not named stays as it is, and `undefined` takes it away. */
  announce(endpoints: Endpoints): Promise<void>;
  /** `undefined` while there is none: ask again soon. */
  leader(topicId: string, partition: number): Leadership | undefined;
  /** Whether this process leads it, and may say so: its lease is not over. */
  leads(topicId: string, partition: number): boolean;
  /** Of who led it last, living or not; 0 where nobody has. */
  epoch(topicId: string, partition: number): number;
  /** One of the brokers, for what one has to do; `undefined` where none lives. */
  controller(): number | undefined;
  /** Calls when brokers or leaders have changed. @returns what ends that. */
  onChange(listener: () => void): () => void;
}

import type { Etcd } from "../../etcd/index.js";
import { logInUse } from "../errors.js";
import type { EtcdMirror } from "../meta/mirror.js";
import { type Clock, sleep } from "../partition/clock.js";
import type { Broker, Endpoints } from "./cluster.js";
import { type BrokerEntry, brokerKey, type LeaderEntry } from "./entries.js";
import type { Home } from "./home.js";

export interface MembershipParts {
  readonly etcd: Etcd;
  readonly mirror: EtcdMirror;
  readonly clock: Clock;
  /** Milliseconds that never go back, and go on while the process is stopped. */
  readonly elapsed: () => number;
  readonly home: Home;
  /** Called when the broker's number is another than the home's. */
  readonly onBroker: (id: number) => void;
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

/** What follows for what this process leads. */
export interface MembershipListener {
  /** It is a broker by a new session. Whoever waits to be one waits for this, too. */
  begun(): Promise<void>;
  /** Its session is heard of again. */
  renewed(): void;
  /** Others may believe that it is gone. */
  lapsed(): void;
}

/** How long a broker is believed to live that is not heard of, in seconds. */
const LEASE_S = 5;
/** What it relies on of that itself: clocks may differ in their speed. */
const SURE = 0.85;
const RENEW_MS = 1_000;
const RETRY_MS = 200;

/** The brokers that live, by what etcd says of them; and this process among them, by a lease and one key that ends with it. */
export class Membership {
  readonly #parts: MembershipParts;
  readonly #listener: MembershipListener;
  readonly #brokers = new Map<number, BrokerEntry>();
  readonly #ending = new AbortController();
  #endpoints: Endpoints = {};
  #self: number;
  #session: string | undefined;
  /** All that this process has ever had. */
  readonly #sessions = new Set<string>();
  /** By `elapsed`: up to there, nobody else believes that this process is gone. */
  #sureUntil = 0;
  #changed = 0;
  #renewing: Promise<void> | undefined;
  #beginning: Promise<void> | undefined;
  #cancelLapse = () => {};

  constructor(parts: MembershipParts, listener: MembershipListener) {
    this.#parts = parts;
    this.#listener = listener;
    this.#self = parts.home.broker ?? 0;
  }

  /** 0 before it was ever one. */
  get self(): number {
    return this.#self;
  }

  /** The lease by which it is one. */
  get session(): string | undefined {
    return this.#session;
  }

  /** The others believe that it lives. */
  get isSure(): boolean {
    return this.#session !== undefined && this.#parts.elapsed() < this.#sureUntil;
  }

  /** By `elapsed`, when one has come or gone. */
  get changed(): number {
    return this.#changed;
  }

  /** By id. */
  brokers(): readonly Broker[] {
    return [...this.#brokers]
      .map(([id, { kafka, grpc, peers }]) => ({ id, kafka, grpc, peers }))
      .sort((a, b) => a.id - b.id);
  }

  /** Whether a leader is the broker that it was when it became one. */
  isLive({ broker, session }: LeaderEntry): boolean {
    return this.#brokers.get(broker)?.session === session;
  }

  /** @param value what etcd has of a broker; `undefined` where he is gone. */
  take(id: number, value: string | undefined): void {
    const isNew = !this.#brokers.has(id);
    if (value === undefined) this.#brokers.delete(id);
    else this.#brokers.set(id, JSON.parse(value) as BrokerEntry);
    if (isNew || value === undefined) this.#changed = this.#parts.elapsed();
  }

  async announce(endpoints: Endpoints): Promise<void> {
    this.#endpoints = { ...this.#endpoints, ...endpoints };
    const session = this.#session;
    if (session === undefined) return;
    const key = brokerKey(this.#self);
    const put = { key, value: this.#entry(session), lease: session };
    await this.#parts.mirror.change([{ key, lease: session }], [put]);
  }

  /**
   * Becomes one of the brokers. Once at a time.
   *
   * @throws LakehouseError STORAGE_FAILED
   */
  begin(): Promise<void> {
    this.#beginning ??= this.#begin().finally(() => {
      this.#beginning = undefined;
    });
    return this.#beginning;
  }

  /** Stays one from here on, and becomes one again where others took it for gone. */
  stay(): void {
    this.#renewing ??= this.#renew();
  }

  /** Renews its lease no more. */
  async stop(): Promise<void> {
    this.#ending.abort();
    this.#cancelLapse();
    await this.#renewing;
  }

  /** Is none from here on, and all hear of it at once. */
  async end(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    // Else it ends by itself.
    if (session !== undefined) await this.#parts.etcd.revokeLease(session).catch(this.#parts.onFailure);
  }

  async #begin(): Promise<void> {
    const { etcd, mirror, home, elapsed, onBroker } = this.#parts;
    const asked = elapsed();
    const session = await etcd.grantLease(LEASE_S);
    this.#sessions.add(session);
    for (;;) {
      const id = await this.#freeId(home);
      const key = brokerKey(id);
      const put = { key, value: this.#entry(session), lease: session };
      const isDone = await mirror.change([{ key, revision: 0 }], [put]);
      if (!isDone && this.#brokers.get(id)?.session !== session) continue;
      if (id !== home.broker) onBroker(id);
      this.#self = id;
      break;
    }
    this.#session = session;
    this.#extend(asked, LEASE_S);
    await this.#listener.begun();
  }

  /** The one that it had, or the least that nobody has. What an earlier process of this home has not ended, ends. */
  async #freeId({ id: home, broker }: Home): Promise<number> {
    const { etcd, mirror } = this.#parts;
    for (const [id, known] of this.#brokers)
      if (known.home === home) {
        await etcd.revokeLease(known.session);
        await mirror.read(brokerKey(id));
      }
    if (broker !== undefined && !this.#brokers.has(broker)) return broker;
    let least = 1;
    while (this.#brokers.has(least)) least++;
    return least;
  }

  #entry(session: string): string {
    const entry: BrokerEntry = { ...this.#endpoints, session, home: this.#parts.home.id };
    return JSON.stringify(entry);
  }

  #extend(asked: number, seconds: number): void {
    this.#sureUntil = asked + seconds * 1000 * SURE;
    this.#cancelLapse();
    const { clock, elapsed } = this.#parts;
    this.#cancelLapse = clock.after(Math.max(0, Math.ceil(this.#sureUntil - elapsed())) + 1, () =>
      this.#listener.lapsed(),
    );
  }

  async #renew(): Promise<void> {
    const { etcd, clock, elapsed, onFailure } = this.#parts;
    const { signal } = this.#ending;
    let wait = RENEW_MS;
    for (;;) {
      await sleep(clock, wait, signal);
      if (signal.aborted) return;
      try {
        const asked = elapsed();
        const session = this.#session;
        const seconds = session === undefined ? 0 : await etcd.keepAlive(session, RENEW_MS);
        if (seconds > 0) this.#extend(asked, seconds);
        else {
          this.#session = undefined;
          this.#listener.lapsed();
          this.#checkHome();
          await this.begin();
        }
        this.#listener.renewed();
        wait = RENEW_MS;
      } catch (error) {
        onFailure?.(error);
        if (logInUse.is(error)) return;
        wait = RETRY_MS;
      }
    }
  }

  /** Two processes that take one another's place would do so for ever. */
  #checkHome(): void {
    const { home } = this.#parts;
    for (const [id, known] of this.#brokers)
      if (known.home === home.id && !this.#sessions.has(known.session))
        throw logInUse(
          `broker ${id}`,
          `Another process goes on as broker ${id} of the log: it runs from a copy of this one's folder.`,
          "Give each server a folder of its own, which no other machine has a copy of.",
        );
  }
}

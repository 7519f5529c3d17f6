import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/**
 * Stands between a client and a port of this machine, and carries bytes both ways. Cut, it carries none, and tells nobody, as
 * a network that drops packets: connections stay open, new ones are taken and get no answer. Mended, it carries on with
 * what was sent meanwhile, which may be a request that its sender has given up.
 */
export class Relay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;
  #loses: { readonly requests: RegExp; readonly lost: () => void } | undefined;

  private constructor(to: number) {
    this.#server = createServer((near) => this.#carry(near, connect(to, "127.0.0.1")));
  }

  static async to(port: number): Promise<Relay> {
    const relay = new Relay(port);
    relay.#server.listen(0, "127.0.0.1");
    await once(relay.#server, "listening");
    return relay;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Whether it was sent anything since it was cut. */
  get isHolding(): boolean {
    return this.#isCut && [...this.#sockets].some(({ readableLength }) => readableLength > 0);
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  mend(): void {
    this.#isCut = false;
    for (const socket of this.#sockets) socket.resume();
  }

  /** Resolves when the answer to a request whose first bytes match has come, and been thrown away. */
  losesAnswer(requests: RegExp): Promise<void> {
    return new Promise((resolve) => {
      this.#loses = { requests, lost: resolve };
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #carry(near: Socket, far: Socket): void {
    let lost: (() => void) | undefined;
    this.#join(near, far, (bytes) => {
      if (this.#loses?.requests.test(bytes.toString("latin1"))) {
        lost = this.#loses.lost;
        this.#loses = undefined;
      }
      return true;
    });
    this.#join(far, near, () => {
      lost?.();
      return lost === undefined;
    });
  }

  /** @param isCarried is asked for all that comes. */
  #join(from: Socket, to: Socket, isCarried: (bytes: Buffer) => boolean): void {
    this.#sockets.add(from);
    from.on("data", (bytes) => {
      if (isCarried(bytes)) to.write(bytes);
    });
    // Whoever breaks off tells the other, as far as there is a network.
    from.on("error", () => {});
    from.on("close", () => {
      this.#sockets.delete(from);
      to.end();
    });
    if (this.#isCut) from.pause();
  }
}

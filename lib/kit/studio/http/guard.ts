import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Refused } from "./refused.js";

/** How a request showed that it may ask: by the browser's cookie, or by the token that other programs are given. */
export type Admitted = "cookie" | "token";

const READS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Who is let in. Whoever reaches a kernel runs code as this user, so every request has to pass, WebSocket upgrades too:
 *
 * - `Host` is this server by a name of the loopback interface: a site whose name was pointed here (DNS rebinding) has its
 *   own name there.
 * - `Origin`, where there is one, is this server. A browser sends it with whatever changes something and with every
 *   WebSocket, which no same-origin policy holds back. `Sec-Fetch-Site` says the same of plain reads: cookies and
 *   `SameSite` do not tell ports apart, so a page from another port of this machine would count as the same site.
 * - The cookie, or the token. The address that opens the studio holds a token that works once; the cookie that it is
 *   exchanged for is unreadable to scripts and is sent by the studio's own pages alone. Programs that attach by Jupyter's
 *   protocol have a token that lasts as long as the server.
 */
export class Guard {
  /** For programs: `Authorization: token …`, or `?token=…`. */
  readonly token = randomBytes(24).toString("hex");
  readonly #session = randomBytes(32).toString("base64url");
  #launch: string | undefined;

  /** A token that opens the studio in a browser, once; the one before it is void. */
  launchToken(): string {
    this.#launch = randomBytes(24).toString("hex");
    return this.#launch;
  }

  /** @throws Refused 401 where the token has been used, or never was one. */
  exchange(token: string, reply: FastifyReply, port: number): void {
    if (this.#launch === undefined || !isSame(token, this.#launch)) {
      throw new Refused(
        401,
        "UNAUTHORIZED",
        "This address has been used, or is from an earlier start.",
        "Run: slh studio",
      );
    }
    this.#launch = undefined;
    reply.header("set-cookie", `${cookieName(port)}=${this.#session}; HttpOnly; SameSite=Strict; Path=/`);
  }

  /** @throws Refused 403 where the request is for another host, or comes from another site's page. */
  checkPlace({ headers, method }: FastifyRequest, port: number): void {
    const hosts = ["127.0.0.1", "localhost", "[::1]"].map((name) => `${name}:${port}`);
    const refuse = (what: string) => {
      throw new Refused(
        403,
        "FORBIDDEN",
        `${what} is not this server.`,
        "Open the address that slh studio printed.",
      );
    };
    if (headers.host === undefined || !hosts.includes(headers.host)) refuse("The host of the request");
    const { origin } = headers;
    if (origin !== undefined && origin !== `http://${headers.host}`) refuse("The origin of the request");
    const site = headers["sec-fetch-site"];
    const isOpening = READS.has(method) && headers["sec-fetch-mode"] === "navigate" && site === "none";
    if (site !== undefined && site !== "same-origin" && !isOpening) refuse("The site of the request");
  }

  /**
   * @param mayUseToken false where only the studio's own page may ask
   * @throws Refused 401 without cookie and token; 403 where a page changes something and does not say from where.
   */
  admit(request: FastifyRequest, port: number, mayUseToken: boolean): Admitted {
    const { headers, method } = request;
    if (mayUseToken && isSame(tokenOf(request), this.token)) return "token";
    if (!isSame(cookieOf(headers.cookie, cookieName(port)), this.#session)) {
      throw new Refused(
        401,
        "UNAUTHORIZED",
        "The studio answers only who has its token.",
        "Open the address that slh studio printed; it works once. Another browser needs a new start.",
      );
    }
    const isUpgrade = headers.upgrade !== undefined;
    if ((isUpgrade || !READS.has(method)) && headers.origin === undefined)
      throw new Refused(403, "FORBIDDEN", "The request does not say which page it comes from.");
    return "cookie";
  }
}

/** Browsers keep cookies of a host for all its ports: two studios at once must not take each other's. */
const cookieName = (port: number): string => `slh-studio-${port}`;

function cookieOf(header: string | undefined, name: string): string {
  const found = (header ?? "").split(/;\s*/).find((each) => each.startsWith(`${name}=`));
  return found?.slice(name.length + 1) ?? "";
}

function tokenOf({ headers, query }: FastifyRequest): string {
  const said = /^(?:token|bearer)\s+(\S+)$/i.exec(headers.authorization ?? "")?.[1];
  const asked = (query as { token?: unknown }).token;
  return said ?? (typeof asked === "string" ? asked : "");
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** In a time that tells nothing of how much of it was right. */
const isSame = (given: string, wanted: string): boolean => timingSafeEqual(digest(given), digest(wanted));

import type { Socket } from "node:net";
import { createSecureContext, TLSSocket, type TlsOptions, Server as TlsServer } from "node:tls";
import { invalidConfig } from "../../errors.js";

/** How a server is open to others. */
export interface Exposure {
  readonly host: string;
  /** Certificate and key. */
  readonly tls?: TlsOptions | undefined;
  /** That of who may make certificates for clients: one that names a user of the log logs in as that user. */
  readonly clientCa?: string | Buffer | undefined;
  /** Whether everyone is asked who he is. */
  readonly isSecured: boolean;
  readonly insecure: boolean;
}

/** @throws LakehouseError INVALID_CONFIG where others can reach what is not protected, and nobody said that this is meant. */
export function checkExposure({ host, tls, clientCa, isSecured, insecure }: Exposure): void {
  if (clientCa !== undefined && tls === undefined)
    throw invalidConfig(
      "clientCa",
      "Clients show certificates where TLS is spoken, and this server has none itself.",
      "Give its certificate and key, too.",
    );
  checkCertificates(tls, clientCa);
  if (insecure || isLoopback(host)) return;
  const lacks = [
    ...(tls === undefined ? ["what they send would not be encrypted"] : []),
    ...(isSecured ? [] : ["nobody would be asked who he is, since the log has no users"]),
  ];
  if (lacks.length === 0) return;
  const remedies = [
    ...(tls === undefined ? ["give a certificate and its key (tls, --tls-cert and --tls-key)"] : []),
    ...(isSecured ? [] : ["make a user (lake.log.security.setUser, streamctl user set)"]),
  ];
  throw invalidConfig(
    host,
    `Others can reach ${host}: ${lacks.join(", and ")}.`,
    `Listen on 127.0.0.1; or ${remedies.join(" and ")}; or, where only those can reach it who may do everything, say insecure (--insecure).`,
  );
}

/** Before a listener or a connection fails on them. @throws LakehouseError INVALID_CONFIG */
export function checkCertificates(tls: TlsOptions | undefined, ca: TlsOptions["ca"] | undefined): void {
  // What is no certificate is passed over otherwise, and nobody is trusted.
  if (typeof ca === "string" && !/-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/.test(ca))
    throw invalidConfig(
      "ca",
      "There is no certificate in what is to be trusted.",
      "Give one or more as PEM.",
    );
  try {
    createSecureContext({ ...tls, ca });
  } catch (cause) {
    throw invalidConfig(
      "tls",
      `The certificate and its key cannot be used: ${(cause as Error).message}.`,
      "Give both as PEM, and the key that the certificate was made for.",
      cause,
    );
  }
}

export function isLoopback(host: string): boolean {
  return /^(127(\.\d{1,3}){3}|::1|localhost)$/i.test(host);
}

/** For a listener. Who shows no certificate, or one of another maker, can still log in otherwise. */
export function tlsOptions({ tls, clientCa }: Pick<Exposure, "tls" | "clientCa">): TlsOptions | undefined {
  if (tls === undefined || clientCa === undefined) return tls;
  return { ...tls, ca: clientCa, requestCert: true, rejectUnauthorized: false };
}

/**
 * Gives a listener another certificate: for connections that come from now on. Those that are there keep theirs.
 *
 * @throws LakehouseError INVALID_CONFIG where it cannot be used: then the one before stays; or where the server speaks no TLS
 */
export function renewTls(server: object, { tls, clientCa }: Pick<Exposure, "tls" | "clientCa">): void {
  if (!(server instanceof TlsServer))
    throw invalidConfig(
      "tls",
      "This server speaks no TLS, which cannot begin while it runs.",
      "Start it with a certificate and its key.",
    );
  checkCertificates(tls, clientCa);
  server.setSecureContext(tlsOptions({ tls, clientCa }) ?? {});
}

/** Where the other side is; an address of IPv4 in its own form, also where it came over IPv6. */
export function addressOf({ remoteAddress = "" }: Socket): string {
  return remoteAddress.replace(/^::ffff:(?=\d+\.)/, "");
}

/** The user whom the other side's certificate names, as its common name, where it was checked. */
export function certifiedUser(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const name: unknown = socket.getPeerCertificate().subject?.CN;
  return typeof name === "string" ? name : undefined;
}

/** Certificates that a test makes for itself: X.509 written in DER, signed with a key of P-256. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

export interface Certified {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  readonly privateKey: KeyObject;
  readonly name: string;
}

const ECDSA_SHA256 = "06082a8648ce3d040302";

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
const sequence = (...parts: readonly Buffer[]) => der(0x30, ...parts);
const oid = (hex: string) => Buffer.from(hex, "hex");
const nameOf = (text: string) =>
  sequence(der(0x31, sequence(oid("0603550403"), der(0x0c, Buffer.from(text)))));
const timeOf = (date: Date) =>
  der(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`));

/** @param issuer of the certificate; itself where not given, as a certificate authority is. */
export function certificate(name: string, issuer?: Certified): Certified {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const isAuthority = issuer === undefined;
  const day = 86_400_000;
  const algorithm = sequence(oid(ECDSA_SHA256));
  const constraints = sequence(
    oid("0603551d13"),
    der(0x01, Buffer.of(0xff)),
    der(0x04, sequence(...(isAuthority ? [der(0x01, Buffer.of(0xff))] : []))),
  );
  const hosts = sequence(der(0x82, Buffer.from("localhost")), der(0x87, Buffer.of(127, 0, 0, 1)));
  const alternatives = sequence(oid("0603551d11"), der(0x04, hosts));
  const content = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.concat([Buffer.of(1), randomBytes(15)])),
    algorithm,
    nameOf(issuer?.name ?? name),
    sequence(timeOf(new Date(Date.now() - day)), timeOf(new Date(Date.now() + 30 * day))),
    nameOf(name),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(constraints, alternatives)),
  );
  const signature = sign("sha256", content, issuer?.privateKey ?? privateKey);
  const whole = sequence(content, algorithm, der(0x03, Buffer.of(0), signature));
  const lines = whole.toString("base64").replace(/.{64}/g, "$&\n").trim();
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    privateKey,
    name,
  };
}

/** The users of a log and what they may do, as they are kept: one JSON object beside the topics. */
import { corruptFile, unsupported } from "../../errors.js";
import { StateFields } from "../state/state-fields.js";
import { type Acl, OPERATIONS, PATTERNS, PERMISSIONS, RESOURCES } from "./acl.js";
import { SCRAM_MECHANISMS, type ScramCredential, type ScramMechanism } from "./scram.js";

export interface StoredUser {
  readonly name: string;
  /** May do everything, whatever the entries of the list say. */
  readonly isAdmin: boolean;
  /** What proves the password, for each way of asking for it. */
  readonly credentials: Readonly<Partial<Record<ScramMechanism, ScramCredential>>>;
  /** The most bytes a second to append, and to read: at each server. As many as come where not given. */
  readonly produceBytesPerSecond?: number | undefined;
  readonly fetchBytesPerSecond?: number | undefined;
}

export interface Policy {
  readonly users: ReadonlyMap<string, StoredUser>;
  readonly acls: readonly Acl[];
  /** What is made up about users that there are not follows from it, at every server alike. */
  readonly decoySecret: Uint8Array;
}

const VERSION = 1;

export function encodePolicy({ users, acls, decoySecret }: Policy): Uint8Array {
  const json = {
    version: VERSION,
    decoySecret: base64(decoySecret),
    users: [...users.values()].map(({ credentials, ...user }) => ({
      ...user,
      credentials: Object.entries(credentials).map(([mechanism, credential]) => ({
        mechanism,
        iterations: credential.iterations,
        salt: base64(credential.salt),
        storedKey: base64(credential.storedKey),
        serverKey: base64(credential.serverKey),
      })),
    })),
    acls,
  };
  return Buffer.from(`${JSON.stringify(json, undefined, 1)}\n`);
}

/** @throws LakehouseError CORRUPT_FILE, CORRUPT_STATE, UNSUPPORTED_FEATURE. None has what stands there. */
export function decodePolicy(bytes: Uint8Array, uri: string): Policy {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    // What the parser says has a piece of the text.
    throw corruptFile(uri, `The users of the log, ${uri}, are no JSON.`, "Restore the object from a backup.");
  }
  const fields = new StateFields(json, uri);
  const version = fields.integer("version", 1);
  if (version > VERSION)
    throw unsupported(
      uri,
      `The users of the log, ${uri}, are of version ${version}, where ${VERSION} is understood.`,
      "Use the release that wrote them, or a later one.",
    );
  const users = fields.list("users", readUser);
  return {
    decoySecret: fields.bytes("decoySecret"),
    users: new Map(users.map((user) => [user.name, user])),
    acls: fields.list("acls", readAcl),
  };
}

function readUser(fields: StateFields): StoredUser {
  const credentials = fields.list("credentials", (one) => [
    one.kind("mechanism", Object.fromEntries(SCRAM_MECHANISMS.map((name) => [name, true]))),
    {
      iterations: one.integer("iterations", 1),
      salt: one.bytes("salt"),
      storedKey: one.bytes("storedKey"),
      serverKey: one.bytes("serverKey"),
    },
  ]);
  return {
    name: fields.text("name"),
    isAdmin: fields.flag("isAdmin"),
    credentials: Object.fromEntries(credentials),
    produceBytesPerSecond: fields.optional("produceBytesPerSecond", (name) => fields.integer(name, 1)),
    fetchBytesPerSecond: fields.optional("fetchBytesPerSecond", (name) => fields.integer(name, 1)),
  };
}

function readAcl(fields: StateFields): Acl {
  const resource = fields.kind("resource", RESOURCES);
  return {
    resource,
    user: fields.text("user"),
    permission: fields.kind("permission", PERMISSIONS),
    operation: fields.kind("operation", OPERATIONS),
    pattern: fields.kind("pattern", PATTERNS),
    name: fields.text("name"),
    host: fields.text("host"),
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

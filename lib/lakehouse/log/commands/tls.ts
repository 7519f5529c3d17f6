/** What commands are told of passwords and certificates: by files, since others see command lines. */
import { readFile } from "node:fs/promises";
import { invalidConfig } from "../../errors.js";
import type { ConnectLogOptions, LogCredentials } from "../rpc/connect-log.js";

export interface CredentialFlags {
  readonly user?: string;
  readonly passwordFile?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
}

/** The password is the file's first line; of `STREAMCTL_PASSWORD` where there is no file. */
export async function connectOptions(flags: CredentialFlags): Promise<ConnectLogOptions> {
  const { user, passwordFile, tokenFile, ca, clientCert, clientKey } = flags;
  if (tokenFile !== undefined && (user !== undefined || passwordFile !== undefined))
    throw invalidConfig(
      "token",
      "A token says whose it is, and there is a name or a password, too.",
      "Give --token-file alone.",
    );
  if (passwordFile !== undefined && user === undefined)
    throw invalidConfig("user", "There is a password, and nothing says whose.", "Give --user, too.");
  if ((clientCert === undefined) !== (clientKey === undefined))
    throw invalidConfig(
      "client certificate",
      "A certificate is of no use without its key, nor a key without its certificate.",
      "Give --client-cert and --client-key.",
    );
  return {
    ca: ca === undefined ? undefined : await fileOf("--ca", ca),
    cert: clientCert === undefined ? undefined : await fileOf("--client-cert", clientCert),
    key: clientKey === undefined ? undefined : await fileOf("--client-key", clientKey),
    credentials: await credentialsOf(flags),
  };
}

/** A token is read for each call: whoever renews it writes it anew. @throws LakehouseError INVALID_CONFIG */
async function credentialsOf({
  user,
  passwordFile,
  tokenFile,
}: CredentialFlags): Promise<LogCredentials | undefined> {
  if (tokenFile !== undefined) {
    const token = async () => firstLine(await fileOf("--token-file", tokenFile)).trim();
    await token();
    return { token };
  }
  return user === undefined ? undefined : { user, password: await passwordOfCaller(passwordFile) };
}

/** @throws LakehouseError INVALID_CONFIG */
async function passwordOfCaller(passwordFile: string | undefined): Promise<string> {
  if (passwordFile !== undefined) return passwordIn(passwordFile);
  const { STREAMCTL_PASSWORD: password } = process.env;
  if (password !== undefined && password !== "") return password;
  throw invalidConfig(
    "password",
    "There is no password.",
    "Give --password-file, or the variable STREAMCTL_PASSWORD.",
  );
}

/** The first line of a file. @throws LakehouseError INVALID_CONFIG */
export async function passwordIn(passwordFile: string): Promise<string> {
  return firstLine(await fileOf("--password-file", passwordFile));
}

/** @param option that names the file, for the error. */
export async function fileOf(option: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw invalidConfig(
      option,
      `The file of ${option}, ${path}, cannot be read (${(cause as NodeJS.ErrnoException).code}).`,
      "Look where it is, and who may read it.",
      cause,
    );
  }
}

function firstLine(text: string): string {
  // Some editors put a mark before all text.
  return text.replace(/^\uFEFF/, "").replace(/\r?\n[\s\S]*$/, "");
}

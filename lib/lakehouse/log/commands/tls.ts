/** What commands are told of passwords and certificates: by files, since others see command lines. */
import { readFile } from "node:fs/promises";
import { invalidConfig } from "../../errors.js";
import type { ConnectLogOptions } from "../rpc/connect-log.js";

export interface CredentialFlags {
  readonly user?: string;
  readonly passwordFile?: string;
  readonly ca?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
}

/** The password is the file's first line; of `STREAMCTL_PASSWORD` where there is no file. */
export async function connectOptions(flags: CredentialFlags): Promise<ConnectLogOptions> {
  const { user, passwordFile, ca, clientCert, clientKey } = flags;
  return {
    ca: ca === undefined ? undefined : await fileOf("--ca", ca),
    cert: clientCert === undefined ? undefined : await fileOf("--client-cert", clientCert),
    key: clientKey === undefined ? undefined : await fileOf("--client-key", clientKey),
    credentials: user === undefined ? undefined : { user, password: await passwordOf(passwordFile) },
  };
}

/** @throws LakehouseError INVALID_CONFIG */
export async function passwordOf(passwordFile: string | undefined): Promise<string> {
  if (passwordFile !== undefined) return firstLine(await fileOf("--password-file", passwordFile));
  const { STREAMCTL_PASSWORD: password } = process.env;
  if (password !== undefined && password !== "") return password;
  throw invalidConfig(
    "password",
    "There is no password.",
    "Give --password-file, or the variable STREAMCTL_PASSWORD.",
  );
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
  return text.replace(/\r?\n[\s\S]*$/, "");
}

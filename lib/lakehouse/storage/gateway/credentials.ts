import { badSetting } from "../errors.js";
import type { GatewayCredentials } from "./sigv4.js";

/**
 * The key that `SLH_STORAGE_ACCESS_KEY_ID` and `SLH_STORAGE_SECRET_ACCESS_KEY` give to the gateway's clients; undefined
 * where neither is set. Not those of `SLH_S3_*`, which are this process's own at the store behind it.
 *
 * @throws INVALID_CONFIG where only one is set.
 */
export function gatewayCredentialsFromEnv(
  env: Readonly<Record<string, string | undefined>> = process.env,
): GatewayCredentials | undefined {
  const { SLH_STORAGE_ACCESS_KEY_ID: accessKeyId, SLH_STORAGE_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!accessKeyId && !secretAccessKey) return undefined;
  if (accessKeyId && secretAccessKey) return { accessKeyId, secretAccessKey };
  const missing = accessKeyId ? "SLH_STORAGE_SECRET_ACCESS_KEY" : "SLH_STORAGE_ACCESS_KEY_ID";
  throw badSetting(missing, "is missing: the key id and the secret go together", "Set both or neither.");
}

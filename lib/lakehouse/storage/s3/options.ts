import { badSetting } from "../errors.js";

/** How to reach an S3 service. What is left out comes from the SDK's own chain (AWS_* variables, profiles). */
export interface S3Options {
  /** `http(s)://host:port` of a service other than AWS. */
  readonly endpoint?: string | undefined;
  /** Default: the SDK's own; `us-east-1` where an endpoint is given, since signatures need some region. */
  readonly region?: string | undefined;
  readonly credentials?: S3Credentials | undefined;
  /** `http://host/bucket/key` instead of `http://bucket.host/key`. Default: true where an endpoint is given. */
  readonly pathStyle?: boolean | undefined;
  /**
   * Milliseconds for which an operation waits for a service that refuses, is in trouble or does not answer: counted from
   * its first request that was not answered, over all that are sent again, the look at what became of a put among them.
   * One that is sent has five seconds to be answered, also where the limit comes before. Default 60,000, which a service
   * that restarts does not need; 0 sends nothing again.
   */
  readonly retryLimitMs?: number | undefined;
  /** Milliseconds of the first wait between tries, at most; doubled for each next one. Default 100. */
  readonly retryDelayMs?: number | undefined;
  /** Milliseconds of any wait between tries, at most. Default 5,000. */
  readonly retryMaxDelayMs?: number | undefined;
  /**
   * Milliseconds without an answer, or without a next byte of one, after which a request has failed; at most what is left
   * of the limit. Default 30,000, so that one whose answer is lost is sent again.
   */
  readonly timeoutMs?: number | undefined;
  /** Size of an uploaded part in bytes; smaller bodies go up in one request. At least 5 MiB; default 8 MiB. */
  readonly partBytes?: number | undefined;
}

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/**
 * Reads `SLH_S3_ENDPOINT`, `SLH_S3_REGION`, `SLH_S3_ACCESS_KEY_ID`, `SLH_S3_SECRET_ACCESS_KEY`,
 * `SLH_S3_SESSION_TOKEN` and `SLH_S3_PATH_STYLE` (`true` or `false`); and in whole milliseconds
 * `SLH_S3_RETRY_LIMIT_MS`, `SLH_S3_RETRY_DELAY_MS`, `SLH_S3_RETRY_MAX_DELAY_MS` and `SLH_S3_TIMEOUT_MS`.
 *
 * @throws INVALID_CONFIG naming the variable that makes no sense.
 */
export function s3OptionsFromEnv(env: Readonly<Record<string, string | undefined>> = process.env): S3Options {
  const accessKeyId = env.SLH_S3_ACCESS_KEY_ID || undefined;
  const secretAccessKey = env.SLH_S3_SECRET_ACCESS_KEY || undefined;
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    const missing = accessKeyId === undefined ? "SLH_S3_ACCESS_KEY_ID" : "SLH_S3_SECRET_ACCESS_KEY";
    throw badSetting(missing, "is missing: the key id and the secret go together", "Set both or neither.");
  }
  const sessionToken = env.SLH_S3_SESSION_TOKEN || undefined;
  const options: S3Options = {
    endpoint: env.SLH_S3_ENDPOINT || undefined,
    region: env.SLH_S3_REGION || undefined,
    credentials:
      accessKeyId !== undefined && secretAccessKey !== undefined
        ? { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) }
        : undefined,
    pathStyle: env.SLH_S3_PATH_STYLE ? flag("SLH_S3_PATH_STYLE", env.SLH_S3_PATH_STYLE) : undefined,
    ...durations(env),
  };
  checkS3Options(options);
  return options;
}

/** @throws INVALID_CONFIG */
export function checkS3Options(options: S3Options): void {
  const { endpoint, partBytes } = options;
  if (endpoint !== undefined && !/^https?:$/.test(protocolOf(endpoint))) {
    throw badSetting(
      "endpoint",
      `${JSON.stringify(endpoint)} is no http(s) URL`,
      "Write it as http://host:port.",
    );
  }
  if (partBytes !== undefined && !(Number.isSafeInteger(partBytes) && partBytes >= MIN_PART_BYTES)) {
    throw badSetting("partBytes", `${partBytes} is less than S3 allows`, `Use at least ${MIN_PART_BYTES}.`);
  }
  for (const name of Object.values(DURATIONS)) {
    const value = options[name];
    if (value === undefined || (Number.isSafeInteger(value) && value >= (name === "timeoutMs" ? 1 : 0)))
      continue;
    throw badSetting(name, `${value} is no number of milliseconds`, "Use a whole number.");
  }
}

/** S3 takes no smaller part, save the last (S3 User Guide, "Amazon S3 multipart upload limits"). */
export const MIN_PART_BYTES = 5 * 1024 * 1024;

const DURATIONS = {
  SLH_S3_RETRY_LIMIT_MS: "retryLimitMs",
  SLH_S3_RETRY_DELAY_MS: "retryDelayMs",
  SLH_S3_RETRY_MAX_DELAY_MS: "retryMaxDelayMs",
  SLH_S3_TIMEOUT_MS: "timeoutMs",
} as const;

function durations(env: Readonly<Record<string, string | undefined>>): S3Options {
  return Object.fromEntries(
    Object.entries(DURATIONS).flatMap(([variable, name]) => {
      const text = env[variable];
      if (!text) return [];
      if (/^\d{1,12}$/.test(text)) return [[name, Number(text)]];
      throw badSetting(
        variable,
        `${JSON.stringify(text)} is no number of milliseconds`,
        "Use a whole number.",
      );
    }),
  );
}

function flag(name: string, value: string): boolean {
  if (/^(true|1)$/i.test(value)) return true;
  if (/^(false|0)$/i.test(value)) return false;
  throw badSetting(name, `${JSON.stringify(value)} is neither true nor false`, "Use true or false.");
}

function protocolOf(url: string): string {
  try {
    return new URL(url).protocol;
  } catch {
    return "";
  }
}

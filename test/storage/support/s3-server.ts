import { setTimeout as sleep } from "node:timers/promises";
import { BucketAlreadyOwnedByYou, CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { startMoto } from "./moto.js";

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A service that runs, and may not answer yet. */
export interface S3Service extends S3Credentials {
  /** What it is, for the names of tests. */
  readonly name: string;
  readonly endpoint: string;
  /** Names of conformance tests that this service fails by its own fault. */
  readonly gaps: readonly string[];
  stop(): Promise<void>;
  /** Settles when it ends by itself. */
  readonly ended?: Promise<void>;
}

export interface S3Server extends S3Service {
  readonly bucket: string;
}

export interface NoS3Server {
  /** What is missing and why, in one line. */
  readonly unavailable: string;
}

/** The first version whose conditional puts hold in a race is 4.18. */
const SEAWEEDFS = "chrislusf/seaweedfs:4.44";
const CREDENTIALS = { accessKeyId: "slhtest", secretAccessKey: "slhtestsecret" };
/** For a service that is alive and never answers; a slow machine is waited for. */
const START_LIMIT_MS = 300_000;
/** For one that runs already, as somebody says: SeaweedFS may take ten seconds for its first bucket. */
const ANSWER_LIMIT_MS = 60_000;

/**
 * An S3 server that is not ours: the one at `SLH_TEST_S3_ENDPOINT`, where that is set, with `SLH_TEST_S3_ACCESS_KEY_ID`
 * and `SLH_TEST_S3_SECRET_ACCESS_KEY`, and no other. Else it starts the first of these that can run here:
 *
 * 1. SeaweedFS in Docker, where a Docker daemon answers;
 * 2. moto, in a virtual environment in the user's cache folder, wherever python3 is: quick to get, with known gaps.
 *
 * @throws Error where the configured server does not answer, or refuses its key: whoever named it wants it tested.
 *
 * @example
 * const server = await startS3Server();
 * if ("unavailable" in server) … // skip, by name
 */
export async function startS3Server(
  env: Readonly<Record<string, string | undefined>> = process.env,
  answerLimitMs = ANSWER_LIMIT_MS,
): Promise<S3Server | NoS3Server> {
  const configured = fromEnvironment(env);
  if (configured !== undefined) return withBucket(configured, answerLimitMs);
  const reasons: string[] = [];
  for (const start of [startSeaweedFS, () => startMoto(CREDENTIALS)]) {
    try {
      return await withBucket(await start(), START_LIMIT_MS);
    } catch (error) {
      reasons.push(error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error));
    }
  }
  return { unavailable: `an S3 server: Docker, python3 or SLH_TEST_S3_ENDPOINT (${reasons.join("; ")})` };
}

function fromEnvironment(env: Readonly<Record<string, string | undefined>>): S3Service | undefined {
  const endpoint = env.SLH_TEST_S3_ENDPOINT;
  if (!endpoint) return undefined;
  return {
    name: endpoint,
    endpoint,
    accessKeyId: env.SLH_TEST_S3_ACCESS_KEY_ID ?? "",
    secretAccessKey: env.SLH_TEST_S3_SECRET_ACCESS_KEY ?? "",
    gaps: [],
    stop: async () => {},
  };
}

/** Its image runs a whole cluster in one process, which takes its S3 credentials from the environment. */
async function startSeaweedFS(): Promise<S3Service> {
  const { GenericContainer, getContainerRuntimeClient, Wait } = await import("testcontainers");
  await getContainerRuntimeClient().catch(() => {
    throw new Error("no Docker daemon answers");
  });
  const container = await new GenericContainer(SEAWEEDFS)
    .withEnvironment({
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    })
    .withExposedPorts(8333)
    .withWaitStrategy(Wait.forListeningPorts())
    .withStartupTimeout(180_000)
    .start();
  return {
    name: SEAWEEDFS,
    endpoint: `http://${container.getHost()}:${container.getMappedPort(8333)}`,
    ...CREDENTIALS,
    gaps: [],
    stop: async () => {
      await container.stop();
    },
  };
}

/** The service with a bucket, which is made as soon as it answers. */
async function withBucket(service: S3Service, limitMs: number): Promise<S3Server> {
  const { endpoint, accessKeyId, secretAccessKey } = service;
  const client = new S3Client({
    endpoint,
    credentials: { accessKeyId, secretAccessKey },
    region: "us-east-1",
    forcePathStyle: true,
    maxAttempts: 1,
  });
  const bucket = "slh-test";
  const deadline = Date.now() + limitMs;
  let gone = false;
  void service.ended?.then(() => {
    gone = true;
  });
  try {
    for (;;) {
      try {
        await client.send(new CreateBucketCommand({ Bucket: bucket }));
        break;
      } catch (error) {
        if (error instanceof BucketAlreadyOwnedByYou) break;
        if (gone) throw new Error(`${service.name} ended at once`);
        if (isRefusal(error) || Date.now() > deadline)
          throw new Error(`${service.name}: ${(error as Error).message || (error as Error).name}`, {
            cause: error,
          });
        await sleep(200);
      }
    }
  } catch (error) {
    await service.stop();
    throw error;
  } finally {
    client.destroy();
  }
  return { ...service, bucket };
}

/** What answers so does not answer otherwise when it is asked again. */
function isRefusal(error: unknown): boolean {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  return $metadata?.httpStatusCode === 403;
}

import type { Place } from "../service.js";

/** The bucket that the lakehouse's tables and topics are in. */
export const BUCKET = "lakehouse";

/** What one of the keys may do in the bucket. */
interface Rights {
  readonly name: string;
  /** The beginnings of keys of objects that it reads, writes, deletes and lists. */
  readonly writes: readonly string[];
  /** Those among them that it reads and lists alone. */
  readonly butReads?: readonly string[];
  /** Those among them that it does not touch. Of their objects it may see the names, in a listing of what is above. */
  readonly butNot?: readonly string[];
}

const TABLES = "warehouse/";
const LOG = "warehouse/_log/";

/** The keys of services, each with the least that its service does its work with. The variables in `.env` have these names. */
const SERVICES_RIGHTS = {
  // Readiness takes a look at the log.
  S3_CATALOG: { name: "catalog", writes: [TABLES], butReads: [LOG] },
  // Readiness writes a file beside the tables, and deletes it.
  S3_LOG: { name: "log", writes: [LOG, `${TABLES}.health-`] },
  S3_ENGINES: { name: "engines", writes: [TABLES, "nessie/", "exchange/"], butNot: [LOG] },
} as const satisfies Readonly<Record<string, Rights>>;

/** All keys: services', that of who works on the lakehouse, a reader's, and the administrator's. */
export type S3Key = keyof typeof SERVICES_RIGHTS | "S3" | "S3_READER" | "S3_ADMIN";

export const s3Key = ({ secret }: Pick<Place, "secret">, key: S3Key) => ({
  accessKey: secret(`SLH_STACK_${key}_KEY`),
  secretKey: secret(`SLH_STACK_${key}_SECRET`),
});

/** Who may do what, as SeaweedFS is told. */
export function s3Access(place: Pick<Place, "secret">): string {
  const all = (...actions: readonly string[]) => ({
    actions: actions.map((action) => `${action}:${BUCKET}`),
  });
  const identity = (name: string, key: S3Key, may: object) => ({
    name,
    credentials: [s3Key(place, key)],
    ...may,
  });
  const services = Object.entries<Rights>(SERVICES_RIGHTS);
  return `${JSON.stringify(
    {
      identities: [
        identity("admin", "S3_ADMIN", { actions: ["Admin"] }),
        identity("lakehouse", "S3", all("Read", "Write", "List", "Tagging")),
        identity("reader", "S3_READER", all("Read", "List")),
        ...services.map(([key, { name }]) => identity(name, key as S3Key, { policyNames: [name] })),
      ],
      policies: services.map(([, rights]) => ({
        name: rights.name,
        content: JSON.stringify(policy(rights)),
      })),
    },
    null,
    2,
  )}\n`;
}

const READ = ["s3:GetObject"];
const WRITE = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"];

/** In the language of S3's policies, where what is denied is denied whatever else is allowed. */
function policy({ writes, butReads = [], butNot = [] }: Rights) {
  const objects = (effect: "Allow" | "Deny", actions: readonly string[], beginnings: readonly string[]) => ({
    Effect: effect,
    Action: actions,
    Resource: beginnings.map((each) => `arn:aws:s3:::${BUCKET}/${each}*`),
  });
  const listing = (effect: "Allow" | "Deny", beginnings: readonly string[]) => ({
    Effect: effect,
    Action: ["s3:ListBucket"],
    Resource: [`arn:aws:s3:::${BUCKET}`],
    Condition: { StringLike: { "s3:prefix": beginnings.map((each) => `${each}*`) } },
  });
  return {
    Version: "2012-10-17",
    Statement: [
      objects("Allow", [...READ, ...WRITE], writes),
      listing("Allow", writes),
      ...(butReads.length === 0 ? [] : [objects("Deny", WRITE, butReads)]),
      ...(butNot.length === 0 ? [] : [objects("Deny", ["s3:*"], butNot), listing("Deny", butNot)]),
    ],
  };
}

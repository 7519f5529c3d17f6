import { serviceFailed } from "./errors.js";
import type { Place } from "./service.js";
import { BUCKET } from "./services/s3-access.js";

/** Where SeaweedFS's filer makes the lakehouse's bucket when it is asked to: a bucket is one of its folders. */
const bucketUrl = ({ host, port }: Place): string =>
  `http://${host("seaweedfs")}:${port("seaweedfs", "filer")}/buckets/${BUCKET}/`;

/** Makes the lakehouse's bucket, where there is none: a folder that is there already is refused, and stays. */
export async function makeBucket(place: Place): Promise<void> {
  const url = bucketUrl(place);
  const made = await fetch(url, { method: "POST" });
  const said = await made.text();
  const found = await fetch(url);
  await found.arrayBuffer();
  if (found.ok) return;
  throw serviceFailed(
    "seaweedfs",
    `SeaweedFS does not make the bucket ${BUCKET}: ${said}`,
    "slh stack logs seaweedfs says more.",
  );
}

import {
  PATH_PROPERTIES,
  type TableMetadata,
  type TableUpdate,
  type ViewUpdate,
} from "../../../iceberg/index.js";
import { canonicalFileUri, canonicalS3Uri } from "../../../storage/index.js";
import type { ServerContext } from "./api.js";
import { badRequest } from "./fault.js";

type Place = Pick<ServerContext, "warehouse">;

/**
 * Refuses a location outside the warehouse. What some reader of URIs would resolve to another place (dots, also
 * encoded, backslashes, empty segments, control characters) is refused too, for the server and every engine must
 * agree on where a file is.
 */
export function checkLocation({ warehouse }: Place, location: string): void {
  // Hadoop writes file:/a and s3a://b, and means file:///a and s3://b.
  const below = canonicalS3Uri(canonicalFileUri(location)).replace(/\/+$/, "");
  const rest = below.startsWith(`${warehouse}/`) ? below.slice(warehouse.length + 1) : undefined;
  if (rest?.split("/").every(isPlainSegment)) return;
  throw badRequest(`The location ${JSON.stringify(location.slice(0, 200))} is not within the warehouse.`);
}

function isPlainSegment(segment: string): boolean {
  if (/[\\\p{Cc}?#]/u.test(segment) || /%(?:2f|5c|00)/i.test(segment)) return false;
  return !/^(?:\.|%2e)*$/i.test(segment);
}

/** The same for properties that are locations. A relative `write.data.path` is below the table. */
export function checkProperties(place: Place, properties: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(properties)) {
    if (!PATH_PROPERTIES.has(key)) continue;
    const isAbsolute = /^[a-z][a-z0-9+.-]*:/i.test(value) || value.startsWith("/");
    checkLocation(place, isAbsolute ? value : `${place.warehouse}/${value}`);
  }
}

/** Every location that updates of a table bring in. */
export function checkUpdates(place: Place, updates: readonly (TableUpdate | ViewUpdate)[]): void {
  for (const update of updates) {
    switch (update.action) {
      case "set-location":
        checkLocation(place, update.location);
        break;
      case "set-properties":
        checkProperties(place, update.updates);
        break;
      case "add-snapshot":
        for (const file of snapshotFiles(update.snapshot)) checkLocation(place, file);
        break;
      case "set-statistics":
        checkLocation(place, update.statistics.statisticsPath);
        break;
      case "set-partition-statistics":
        checkLocation(place, update.partitionStatistics.statisticsPath);
    }
  }
}

/** Every location in the metadata of a table that is to be registered. */
export function checkMetadata(place: Place, metadata: TableMetadata): void {
  checkLocation(place, metadata.location);
  checkProperties(place, metadata.properties);
  for (const snapshot of metadata.snapshots) {
    for (const file of snapshotFiles(snapshot)) checkLocation(place, file);
  }
  for (const { statisticsPath } of [...metadata.statistics, ...metadata.partitionStatistics]) {
    checkLocation(place, statisticsPath);
  }
  for (const { metadataFile } of metadata.metadataLog) checkLocation(place, metadataFile);
}

function snapshotFiles(snapshot: TableMetadata["snapshots"][number]): readonly string[] {
  const { manifestList, manifests = [] } = snapshot;
  return manifestList === undefined ? manifests : [manifestList, ...manifests];
}

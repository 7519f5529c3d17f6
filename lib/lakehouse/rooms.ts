/** The one place where rooms are wired. A room that is listed here is in the house: see `room.ts` for what that brings. */

import { backupRoom } from "./backup/room.js";
import type { Catalog, RefExpression } from "./catalog/index.js";
import { catalogRoom } from "./catalog/room.js";
import type { Closing } from "./closing.js";
import type { Abortable } from "./errors.js";
import * as groundErrors from "./errors.js";
import { experimentsRoom } from "./experiments/room.js";
import type { Table } from "./iceberg/index.js";
import { icebergRoom } from "./iceberg/room.js";
import { logRoom } from "./log/room.js";
import { maintenanceRoom } from "./maintenance/room.js";
import type { Metric } from "./observability/index.js";
import { orchestrationRoom } from "./orchestration/room.js";
import { parquetRoom } from "./parquet/room.js";
import { pipelineRoom } from "./pipeline/room.js";
import type { Profile } from "./profile.js";
import { qualityRoom } from "./quality/room.js";
import type { QueryEngine } from "./query/index.js";
import { queryRoom } from "./query/room.js";
import { type CodesIn, type Room, withFacades } from "./room.js";
import type { ObjectStore } from "./storage/index.js";
import { storageRoom } from "./storage/room.js";
import type { Observed } from "./telemetry/index.js";
import { telemetryRoom } from "./telemetry/room.js";

/** What an open lakehouse is made of: what rooms may ask for in their contexts. */
export interface LakehouseParts {
  readonly profile: Profile;
  readonly store: ObjectStore;
  /** Seen on one branch. */
  readonly catalog: Catalog;
  readonly engine: QueryEngine;
  /** The rows of a table, deletes applied. */
  readonly countRows: (table: Table, options?: Abortable) => Promise<bigint>;
  /** The upkeep that a table wants by its policy, such as `compaction`. */
  readonly wantedUpkeep: (table: Table) => Promise<readonly string[]>;
  /** What it is seen by: metrics, gauges, health. */
  readonly observed: Observed;
  /** The lakehouse as its users have it, on a ref. */
  readonly lakehouseOn: (ref: RefExpression) => object;
  /** What is open: closing it ends all of this. */
  readonly closing: Closing;
}

/** Ground first. */
export const rooms = [
  storageRoom,
  parquetRoom,
  icebergRoom,
  catalogRoom,
  queryRoom,
  logRoom,
  maintenanceRoom,
  qualityRoom,
  backupRoom,
  pipelineRoom,
  experimentsRoom,
  telemetryRoom,
  orchestrationRoom,
] as const satisfies readonly Room<LakehouseParts>[];

type Rooms = typeof rooms;

/** A room that can be asked whether it works. */
export type Part = Extract<Rooms[number], { readonly probe: unknown }>["name"];

/** Every code that an error of this library can have. */
export type ErrorCode =
  | CodesIn<typeof groundErrors>
  | CodesIn<Extract<Rooms[number], { readonly errors: unknown }>["errors"]>;

/** Every metric that a room states. */
export const metrics: readonly Metric[] = (rooms as readonly Room<LakehouseParts>[]).flatMap(
  (room) => room.metrics ?? [],
);

/** Objects with `lake.<room>` of every room that has a facade. */
export const Facades = withFacades<LakehouseParts, Rooms>(rooms);

/** True for an error of this library, and, where `code` is given, only for one with that code. */
export const isLakehouseError: <Code extends ErrorCode = ErrorCode>(
  error: unknown,
  code?: Code,
) => error is groundErrors.LakehouseError<Code> = groundErrors.isLakehouseError;

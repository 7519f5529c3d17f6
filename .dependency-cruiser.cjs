// The house has floors: an import goes down, never up, and enters another room through its index.ts. Inside a room, a
// file imports the file that has what it needs; folders of a room stand on floors too, and in no circle.
// Ground first. Rooms on the same floor do not know each other.
const lakehouse = [
  ["codecs", "observability", "terminal"],
  ["storage"],
  ["parquet", "etcd"],
  ["iceberg"],
  ["catalog"],
  ["query", "log"],
  ["quality", "maintenance", "backup"],
  ["pipeline", "experiments"],
  ["orchestration"],
  ["telemetry"],
];
const kit = [
  ["estimate", "look", "inspector", "stack"],
  ["milestones"],
  ["notebook"],
  ["content"],
  ["interview"],
  ["studio"],
  ["cli"],
];
const iceberg = [["model"], ["files"], ["table"]];

const path = (base, rooms) => `^${base}/(${rooms.join("|")})/`;

/**
 * The catalog's folders, and what of the room each may use: clients and servers are siblings, and so are the protocols.
 * What all may say, its errors and metrics, lies in the room's own folder.
 */
const catalog = {
  "model/": "model/",
  "versioned/": "(model|versioned)/",
  "store/": "(model|store)/",
  "embedded/": "(model|versioned|store|embedded)/",
  "wire/([^/]+)/": "(model/|wire/$1/)",
  "client/([^/]+)/": "((model|versioned)/|wire/$1/|client/(http|$1)/)",
  "server/([^/]+)/": "(model/|wire/$1/|server/(http|$1)/)",
};

/** For each floor: no import of a floor above it, nor of another room on it. */
const floors = (base, levels) =>
  levels.flatMap((rooms, level) => {
    const above = levels.slice(level + 1).flat();
    const name = rooms.join("-");
    const up = {
      name: `no-import-up-from-${name}`,
      comment: `${rooms.join(", ")} must not know the floors above`,
      severity: "error",
      from: { path: path(base, rooms) },
      to: { path: path(base, above) },
    };
    const across = {
      name: `no-import-across-${name}`,
      comment: `${rooms.join(", ")} stand on one floor, and do not know each other`,
      severity: "error",
      from: { path: path(base, rooms) },
      to: { path: path(base, rooms), pathNot: `^${base}/$1/` },
    };
    return [...(above.length > 0 ? [up] : []), ...(rooms.length > 1 ? [across] : [])];
  });

/** A folder that is on no floor would be held by none of these rules. */
const everyFolderHasAFloor = (base, levels) => ({
  name: `a-room-of-${base.split("/").at(-1)}-has-a-floor`,
  comment: "add the room to the floors at the top of .dependency-cruiser.cjs",
  severity: "error",
  from: { path: `^${base}/[^/]+/.*\\.ts$`, pathNot: path(base, levels.flat()) },
  to: {},
});

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    ...floors("lib/lakehouse", lakehouse),
    ...floors("lib/kit", kit),
    ...floors("lib/lakehouse/iceberg", iceberg),
    everyFolderHasAFloor("lib/lakehouse", lakehouse),
    everyFolderHasAFloor("lib/kit", kit),
    everyFolderHasAFloor("lib/lakehouse/iceberg", iceberg),
    ...Object.entries(catalog).map(([folder, may]) => ({
      name: `catalog-${folder.split("/")[0]}`,
      severity: "error",
      from: { path: `^lib/lakehouse/catalog/${folder}` },
      to: { path: `^lib/lakehouse/catalog/(?!${may}|(errors|metrics)\\.ts$)` },
    })),
    {
      name: "the-version-store-knows-no-backend",
      severity: "error",
      from: { path: "^lib/lakehouse/catalog/store/[^/]+\\.ts$" },
      to: { path: "^lib/lakehouse/catalog/store/backends/" },
    },
    {
      name: "the-model-reads-and-writes-nothing",
      severity: "error",
      from: { path: "^lib/lakehouse/iceberg/model/" },
      to: { path: "^lib/lakehouse/(storage|parquet)/|^(node:)?fs" },
    },
    {
      name: "lakehouse-does-not-know-the-kit",
      severity: "error",
      from: { path: "^lib/lakehouse/" },
      to: { path: "^lib/kit/" },
    },
    {
      name: "rooms-do-not-know-the-front-door",
      severity: "error",
      from: { path: "^lib/lakehouse/[^/]+/" },
      to: {
        path: "^lib/lakehouse/(rooms|health|lakehouse|names-and-branches|lake-commands|open|cli|index)\\.ts$",
      },
    },
    {
      name: "a-room-is-entered-through-its-index",
      severity: "error",
      from: { path: "^lib/(lakehouse|kit)/([^/]+)/" },
      to: {
        path: "^lib/(lakehouse|kit)/[^/]+/",
        pathNot: ["^lib/$1/$2/", "^lib/(lakehouse|kit)/[^/]+/(index|commands)\\.ts$", "/node_modules/"],
      },
    },
    {
      name: "the-front-door-uses-rooms-through-their-index",
      comment: "what a room brings for the wiring is in its room.ts, which loads little",
      severity: "error",
      from: { path: "^lib/(lakehouse|kit)/[^/]+\\.ts$" },
      to: { path: "^lib/(lakehouse|kit)/[^/]+/", pathNot: "^lib/(lakehouse|kit)/[^/]+/(index|room)\\.ts$" },
    },
    {
      name: "observability-imports-no-room",
      severity: "error",
      from: { path: "^lib/lakehouse/observability/" },
      to: { path: "^lib/lakehouse/(?!observability/|errors\\.ts)" },
    },
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "no-circles-of-folders",
      severity: "error",
      scope: "folder",
      from: { path: "^lib/" },
      to: { circular: true },
    },
    {
      name: "declared-dependencies-only",
      severity: "error",
      from: { path: "^lib/" },
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)dist/" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    combinedDependencies: true,
  },
};

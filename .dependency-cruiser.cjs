// The house has floors: an import goes down, never up, and enters another room through its index.ts.
// Ground first. Rooms on the same floor may use each other only where a line below says so.
const floors = [
  ["storage"],
  ["parquet"],
  ["iceberg"],
  ["catalog"],
  ["query", "log", "quality", "maintenance"],
  ["pipeline", "experiments"],
];
const kitFloors = [["look"], ["milestones"], ["notebook"], ["content"], ["interview"], ["cli"]];

const path = (base, rooms) => `^${base}/(${rooms.join("|")})/`;

/** For each floor: no import of a floor above it. */
const upward = (base, levels) =>
  levels.slice(0, -1).map((rooms, level) => ({
    name: `no-import-up-from-${rooms.join("-")}`,
    comment: `${rooms.join(", ")} must not know the floors above`,
    severity: "error",
    from: { path: path(base, rooms) },
    to: { path: path(base, levels.slice(level + 1).flat()) },
  }));

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    ...upward("lib/lakehouse", floors),
    ...upward("lib/kit", kitFloors),
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
      to: { path: "^lib/lakehouse/(lakehouse|open|index)\\.ts$" },
    },
    {
      name: "a-room-is-entered-through-its-index",
      severity: "error",
      from: { path: "^lib/(lakehouse|kit)/([^/]+)/" },
      to: {
        path: "^lib/(lakehouse|kit)/[^/]+/",
        pathNot: ["^lib/$1/$2/", "^lib/(lakehouse|kit)/[^/]+/(index|commands)\\.ts$"],
      },
    },
    {
      name: "the-front-door-uses-rooms-through-their-index",
      severity: "error",
      from: { path: "^lib/(lakehouse|kit)/[^/]+\\.ts$" },
      to: { path: "^lib/(lakehouse|kit)/[^/]+/", pathNot: "^lib/(lakehouse|kit)/[^/]+/index\\.ts$" },
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

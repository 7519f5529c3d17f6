/** Manifests and manifest lists (spec, "Manifests", "Manifest Lists"): read, cached, written. */
export { encodeManifestList, readManifestList, readManifests, writeManifestList } from "./list.js";
export { readLiveEntries, readManifest, readMatching } from "./reader.js";
export { partitionPath, type ResolvedSpec, type SpecsById, specOf, specsById } from "./specs.js";
export { ManifestWriter, type ManifestWriterInit, type WrittenManifest } from "./writer.js";

/**
 * Relocation: metadata written anew for the place where a table's files lie now, for engines that follow the locations
 * in it by themselves. Everything that names other files by location is written again beside what it replaces: metadata
 * files, manifest lists, manifests, position delete files (their rows name data files), deletion vectors (their footers
 * do). Data files, equality deletes and statistics name no other and stay.
 */
export { Relocator } from "./relocator.js";

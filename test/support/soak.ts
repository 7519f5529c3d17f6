// Loaded before each test file of the soak: properties that name no number of runs are tried more often as well.
import fc from "fast-check";
import { runs } from "./runs.js";

fc.configureGlobal({ numRuns: runs(100) });

import { type ScriptServer, startScript } from "./script-server.js";

/** Nessie itself, with an in-memory store. */
export type NessieServer = ScriptServer;

export const startNessie = (): Promise<NessieServer> => startScript("nessie");

import { invalidConfig } from "sololakehouse/errors";
import type { Project } from "../milestones/index.js";
import { serveDrills } from "./drill/routes.js";
import { guardedApp } from "./http/app.js";
import { servePages } from "./http/pages.js";
import { serveJupyter } from "./jupyter/api.js";
import { Kernels } from "./jupyter/kernels.js";
import { serveLake } from "./lake/routes.js";
import { serveLanguage } from "./language/routes.js";
import { WorkingCopies } from "./work/copies.js";
import { ProgressFile, serveProgress } from "./work/progress.js";
import { serveNotebooks } from "./work/routes.js";
import { servePieces } from "./write/routes.js";

export interface StudioServer {
  /** `http://127.0.0.1:8899/`. */
  readonly url: string;
  /** Opens the studio in a browser, once. */
  readonly openUrl: string;
  /** For VS Code, JupyterLab and whoever else attaches by Jupyter's protocol; lasts as long as the server. */
  readonly jupyterUrl: string;
  close(): Promise<void>;
}

/**
 * Serves the studio of a project on this machine's loopback interface.
 *
 * @param port 0 takes any free one
 * @throws INVALID_CONFIG when the port is taken, BROKEN_INSTALL when the page has not been built.
 */
export async function serveStudio(project: Project, port = 0): Promise<StudioServer> {
  const { app, guard, port: listening } = await guardedApp();
  const copies = new WorkingCopies(project);
  const progress = new ProgressFile(project);
  const kernels = new Kernels(project);
  app.addHook("onClose", () => kernels.close());
  serveJupyter(app, project, copies, kernels);
  serveNotebooks(app, project, copies, progress);
  serveProgress(app, progress, copies);
  serveLanguage(app, copies);
  serveLake(app, project);
  servePieces(app, project, copies);
  serveDrills(app, project);
  servePages(app, (token, reply) => guard.exchange(token, reply, listening()));
  try {
    await app.listen({ port, host: "127.0.0.1" });
  } catch (cause) {
    await app.close();
    const why = `Port ${port} cannot be listened on: ${(cause as Error).message}.`;
    throw invalidConfig(String(port), why, "Choose another: slh studio --port 0", cause);
  }
  const url = `http://127.0.0.1:${listening()}/`;
  return {
    url,
    openUrl: `${url}?token=${guard.launchToken()}`,
    jupyterUrl: `${url}?token=${guard.token}`,
    close: () => app.close(),
  };
}

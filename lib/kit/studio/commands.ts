import type { Command } from "commander";
import { portNumber, printJsonLine, stopSignal } from "sololakehouse/terminal";
import { findProject } from "../milestones/index.js";

/** `slh studio`. */
export function studioCommand(program: Command): void {
  program
    .command("studio")
    .summary("step through the notebooks in a browser")
    .description(
      "Serves the studio on this machine alone and opens it: notebooks, their kernel, the lakehouse and the texts. Programs that speak Jupyter's protocol attach to the same server.",
    )
    .option("--port <number>", "port to listen on; 0 takes a free one", portNumber, 8899)
    .option("--no-open", "only print the address, which works once")
    .option("--json", "say where it is in a line of JSON, and open nothing")
    .addHelpText(
      "after",
      `
Examples:
  $ slh studio
  $ slh studio --port 0 --no-open`,
    )
    .action(async ({ port, open, json }: { port: number; open: boolean; json?: true }) => {
      const { serveStudio } = await import("./serve.js");
      const server = await serveStudio(findProject(), port);
      const stopped = stopSignal();
      if (json) {
        const { url, openUrl, jupyterUrl } = server;
        printJsonLine({ url, openUrl, jupyterUrl });
      } else {
        console.log(`Studio, works once:             ${server.openUrl}`);
        console.log(`For clients of Jupyter's API:   ${server.jupyterUrl}`);
        console.log("Ctrl-C ends it and its kernels.");
        if (open) {
          const { openInBrowser } = await import("./open.js");
          openInBrowser(server.openUrl);
        }
      }
      await stopped;
      await server.close();
    });
}

import type { Command } from "commander";
import { completionCommand } from "./completion-command.js";
import { configCommand } from "./config-command.js";
import { importCommand } from "./import-command.js";
import { initCommand } from "./init-command.js";
import { restoreCommand, unpackCommand } from "./restore-command.js";
import type { AddCommands } from "./room.js";
import type { LakehouseParts } from "./rooms.js";
import { count, ink, printJson } from "./terminal/index.js";

/** `slh init`, `slh restore`, `slh unpack`, `slh import`, `slh completion`, `slh lake` and `slh config`: what is no single room's. */
export const lakeCommands: AddCommands<LakehouseParts> = (program, withLake) => {
  initCommand(program);
  restoreCommand(program);
  unpackCommand(program);
  importCommand(program);
  completionCommand(program, {
    what: "tables and branches",
    arguments: {
      table: "tables",
      tables: "tables",
      ref: "refs",
      from: "refs",
      to: "refs",
      source: "refs",
      name: "refs",
      commit: "refs",
    },
    options: {
      "--ref <name>": "refs",
      "--from <ref>": "refs",
      "--into <branch>": "refs",
      "--branch <name>": "refs",
      "--table <name>": "tables",
      "--take <table...>": "tables",
      "--keep <table...>": "tables",
    },
    withNames: (use) =>
      withLake(async ({ catalog }) => {
        const { allTables, isBranchingCatalog } = await import("./catalog/index.js");
        await use({
          tables: async () =>
            (await allTables(catalog)).map(({ namespace, name }) => [...namespace, name].join(".")),
          refs: async () =>
            isBranchingCatalog(catalog) ? (await catalog.references()).map(({ name }) => name) : [],
        });
      }),
  });
  const lake = program
    .command("lake")
    .summary("the lakehouse as a whole")
    .description("Looks after the lakehouse as a whole: where its files are.")
    .addHelpText(
      "after",
      `
Examples:
  $ slh lake relocate`,
    );
  relocateCommand(lake);
  configCommand(program);
};

function relocateCommand(lake: Command): void {
  lake
    .command("relocate")
    .summary("write its locations anew, after it was moved or copied")
    .description(
      "The locations in Iceberg tables are absolute. A lakehouse that was moved or copied opens where it lies, but other engines follow the locations by themselves: to the old place. This writes them anew for where it lies now, on all branches and in all of their history, in one atomic step. What it replaces is garbage, which slh gc deletes later.",
    )
    .option(
      "--from <root>",
      "the root that the locations have: a path, file:// or s3://; what the catalog remembers where not given",
    )
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      `
Restart the processes that have the lakehouse open afterwards.

Examples:
  $ cp -r ~/project ~/copy && cd ~/copy && slh lake relocate && slh catalog serve
  $ SLH_WAREHOUSE=s3://new/lake slh lake relocate --from s3://old/lake`,
    )
    .action(async ({ from, json }: { from?: string; json?: boolean }) => {
      const { relocateLakehouse } = await import("./open.js");
      const { fileUri } = await import("./storage/index.js");
      const root = from === undefined || /^[a-z][a-z0-9+.-]+:/i.test(from) ? from : fileUri(from);
      const report = await relocateLakehouse({ from: root });
      if (json) printJson(report);
      else if (report.files === 0) console.log(`All locations are below ${ink(report.to, "bold")} already.`);
      else {
        const metadata = `${count(report.metadataFiles, "metadata file")}, ${count(report.files, "file")} in all`;
        console.log(`Relocated from ${report.from} to ${ink(report.to, "bold")}: wrote ${metadata}.`);
      }
    });
}

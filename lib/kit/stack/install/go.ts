import { renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { stackUnready } from "../errors.js";
import type { Packages } from "../service.js";
import { runs } from "./debian.js";
import { type Note, runInstaller } from "./run.js";

type Go = Extract<Packages, { readonly from: "go" }>;

/** The go.mod by which a program is built, since a `replace` is not to be had from `go install`. */
export const goModule = ({ module, version, program, replace }: Go): string =>
  `module sololakehouse.local/${basename(program)}

go 1.25

tool ${module}/${program}

require ${module} ${version}
${Object.entries(replace)
  .map(([from, to]) => `\nreplace ${from} => ${to}\n`)
  .join("")}`;

/**
 * Builds a program from a module of the Go proxy. What Go has downloaded and compiled stays in its own caches, so a build
 * that was interrupted goes on where it was.
 *
 * @throws LakehouseError STACK_UNREADY where there is no Go.
 */
export async function buildGoProgram(name: string, go: Go, folder: string, note: Note): Promise<void> {
  if (!runs("go"))
    throw stackUnready(
      name,
      `${name} is built from its Go module, and there is no go on this machine.`,
      "Install Go 1.25 or newer, and start again; or run this service with Docker Compose.",
    );
  const options = { cwd: folder, env: { GOFLAGS: "-mod=mod" }, note };
  writeFileSync(join(folder, "go.mod"), goModule(go));
  note("fetching its modules");
  await runInstaller(name, "go", ["mod", "tidy"], options);
  note("compiling, which takes minutes");
  const binary = basename(go.program);
  const built = ["build", "-trimpath", "-ldflags=-s -w", "-o", `${binary}.new`, `${go.module}/${go.program}`];
  await runInstaller(name, "go", built, options);
  renameSync(join(folder, `${binary}.new`), join(folder, binary));
}

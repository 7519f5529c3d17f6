import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeBucket } from "./bucket.js";
import { stop } from "./down.js";
import { serviceFailed, stackUnready } from "./errors.js";
import type { StackHome } from "./home.js";
import { install, isInstalled, programOf } from "./install/install.js";
import { PORTS } from "./ports.js";
import { endOf } from "./process/end-of.js";
import { exclusively } from "./process/exclusively.js";
import { isWell } from "./process/health.js";
import { identify, isRunning, type ProcessIdentity } from "./process/identity.js";
import { isFree } from "./process/ports.js";
import type { NativeService, Service, Settings } from "./service.js";

/** What became of a service. */
export interface Start {
  readonly service: Service;
  /** Undefined for one that was up already. */
  readonly milliseconds?: number;
}

export interface UpEvents {
  /** What is being done, and more of it that changes all the time. */
  readonly doing: (step: string, live?: string) => void;
  readonly started: (start: Start) => void;
}

/** For a service that is alive and never gets well; a slow machine is waited for. */
const START_LIMIT_MS = 600_000;

/**
 * Installs services where that has to be, and starts those that are not up, each when those that it needs are well. Of
 * several processes that do so at once, one does; the others find its services up.
 *
 * @throws LakehouseError STACK_UNREADY, INSTALL_FAILED or SERVICE_FAILED: those that are up by then stay so.
 */
export async function up(
  services: readonly NativeService[],
  home: StackHome,
  events: UpEvents,
): Promise<void> {
  for (const { name, title, packages } of services) {
    if (isInstalled(name, packages)) continue;
    events.doing(`installing ${title}`);
    await install(name, packages, (line) => events.doing(`installing ${title}`, line));
  }
  mkdirSync(home.folder, { recursive: true, mode: 0o700 });
  const work = async () => {
    for (const service of services) events.started(await start(service, home, events));
  };
  await exclusively(home.lock, work, () => events.doing("waiting for another slh stack"));
}

async function start(service: NativeService, home: StackHome, events: UpEvents): Promise<Start> {
  const { name, title, packages } = service;
  const began = performance.now();
  const before = home.started(name);
  if (before !== undefined && isRunning(before)) {
    events.doing(`waiting for ${title}`);
    await untilWell(service, home, before);
    await makeLast(service, home);
    return { service };
  }
  events.doing(`starting ${title}`);
  home.forget(name);
  await checkPorts(service, home);
  const place = home.prepare(name);
  const settings = service.settings(place);
  for (const [file, text] of Object.entries(settings.files ?? {})) {
    const path = join(place.files, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: 0o600 });
  }
  const [program = "", ...first] = programOf(name, packages);
  if (settings.first !== undefined)
    makeFirst(service, home, program, [...first, ...settings.first], settings);
  const started = launch(service, home, program, [...first, ...settings.args], settings);
  await untilWell(service, home, started);
  await makeLast(service, home);
  return { service, milliseconds: performance.now() - began };
}

/** What a service has to have before others find it up, and can only be given while it runs. */
async function makeLast({ name }: Service, home: StackHome): Promise<void> {
  if (name === "seaweedfs") await makeBucket(home.prepare(name));
}

/** Runs what makes what the service finds when it starts, to its end. */
function makeFirst(
  { name, title }: Service,
  home: StackHome,
  program: string,
  args: readonly string[],
  settings: Settings,
): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: home.lake,
    env: environmentOf(settings),
    encoding: "utf8",
  });
  if (status === 0) return;
  appendFileSync(home.logOf(name), `${stdout ?? ""}${stderr ?? ""}`);
  throw serviceFailed(
    name,
    `${title} could not be made ready: ${error?.message ?? stderr.trim()}`,
    `slh stack logs ${name} shows what it said.`,
  );
}

/** Starts the process, which outlives this one. */
function launch(
  { name, title, version }: Service,
  home: StackHome,
  program: string,
  args: readonly string[],
  settings: Settings,
): ProcessIdentity {
  const log = openSync(home.logOf(name), "a", 0o600);
  try {
    const child = spawn(program, args, {
      cwd: name === "catalog" || name === "log" ? home.lake : home.dataOf(name),
      env: environmentOf(settings),
      stdio: ["ignore", log, log],
      detached: true,
    });
    // One that does not start has no number, and tells why later: then there is no process to wait for.
    child.once("error", ({ message }) => appendFileSync(home.logOf(name), `${message}\n`));
    child.unref();
    const identity = child.pid === undefined ? undefined : identify(child.pid);
    if (identity === undefined)
      throw serviceFailed(
        name,
        `${title} does not start: ${program} cannot be run.`,
        `slh stack doctor says more.`,
      );
    home.setStarted(name, { ...identity, version, at: new Date().toISOString() });
    return identity;
  } finally {
    closeSync(log);
  }
}

/** Without variables by which a service, or the JVM or Python below it, would do otherwise than it is described. */
function environmentOf({ env }: Settings): NodeJS.ProcessEnv {
  const kept = ["PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER", "SSL_CERT_FILE"];
  const own = Object.fromEntries(kept.map((name) => [name, process.env[name]]));
  return { ...own, ...env };
}

/** @throws LakehouseError SERVICE_FAILED when it ends before, or takes too long. */
async function untilWell(service: Service, home: StackHome, started: ProcessIdentity): Promise<void> {
  const { name, title } = service;
  const deadline = performance.now() + START_LIMIT_MS;
  for (;;) {
    if (await isWell(service, home)) return;
    if (!isRunning(started)) {
      home.forget(name);
      const said = endOf(home.logOf(name), 5).join("\n");
      throw serviceFailed(
        name,
        `${title} ended when it started.\n${said}`,
        `slh stack logs ${name} shows more.`,
      );
    }
    if (performance.now() > deadline) {
      await stop(service, home);
      throw serviceFailed(
        name,
        `${title} runs, and was not well within ${START_LIMIT_MS / 60_000} minutes.`,
        `slh stack logs ${name} shows what it waits for.`,
      );
    }
    await sleep(100);
  }
}

/** Milliseconds for which a program that has just ended may still have its port. */
const GRACE_MS = 3_000;

async function isFreeSoon(port: number): Promise<boolean> {
  const deadline = performance.now() + GRACE_MS;
  while (!(await isFree(port, "127.0.0.1"))) {
    if (performance.now() > deadline) return false;
    await sleep(100);
  }
  return true;
}

/** @throws LakehouseError STACK_UNREADY */
async function checkPorts({ name, title }: Service, home: StackHome): Promise<void> {
  for (const part of Object.keys(PORTS[name])) {
    const port = home.port(name, part);
    if (await isFreeSoon(port)) continue;
    throw stackUnready(
      `port ${port}`,
      `${title} listens on port ${port} (${part}), and another program has it.`,
      "End that program; or take the stack down, and start it with --port-offset 1000, which moves all of its ports.",
    );
  }
}

import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serviceFailed } from "../errors.js";
import type { StackHome } from "../home.js";
import { programOf } from "../install/install.js";
import { endOf } from "../process/end-of.js";
import { catalog } from "../services/ours.js";
import type { DrillReport } from "./drill.js";
import { checkRuns } from "./kill.js";
import { servedLedger } from "./ledger.js";
import { Relay } from "./relay.js";
import { underLoad } from "./under-load.js";

/**
 * A catalog's server of the drill's own reaches etcd by a relay, which is cut until it was sent something and the server says
 * that it is not well. Then the relay hands on what was sent meanwhile, which may be commits that the server has given up.
 */
export async function cutEtcd(home: StackHome, signal: AbortSignal): Promise<DrillReport> {
  checkRuns("etcd", home);
  checkRuns("seaweedfs", home);
  const relay = await Relay.to(home.port("etcd", "client"));
  try {
    const server = await ownCatalog(home, relay.port);
    try {
      return await underLoad(await servedLedger(home, server.port), signal, async (load) => {
        relay.cut();
        load.strike();
        const isFelt = async () => relay.isHolding && !(await server.isWell());
        try {
          await load.until(isFelt, "Nobody noticed that etcd was cut off");
        } finally {
          relay.mend();
        }
        await load.until(server.isWell, "The catalog's server did not get well");
      });
    } finally {
      await server.stop();
    }
  } finally {
    await relay.close();
  }
}

interface OwnCatalog {
  readonly port: number;
  readonly isWell: () => Promise<boolean>;
  stop(): Promise<void>;
}

/** A server as the stack's, on ports that are free, with etcd at another one. */
async function ownCatalog(home: StackHome, etcd: number): Promise<OwnCatalog> {
  const place = home.prepare("catalog");
  const [http, telemetry] = [await freePort(), await freePort()];
  const own = { catalog: { http, telemetry }, etcd: { client: etcd } } as Readonly<
    Record<string, Readonly<Record<string, number>>>
  >;
  const settings = catalog.settings({
    ...place,
    port: (service, name) => own[service]?.[name] ?? place.port(service, name),
  });
  const [program = "", ...first] = programOf("catalog", catalog.packages);
  const folder = mkdtempSync(join(tmpdir(), "slh-drill-"));
  const log = join(folder, "catalog.log");
  const file = openSync(log, "a", 0o600);
  const child = spawn(program, [...first, ...settings.args], {
    cwd: home.lake,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...settings.env },
    stdio: ["ignore", file, file],
    // Ctrl-C goes to this process alone, which needs it to delete what was written.
    detached: true,
  });
  closeSync(file);
  const ended = once(child, "exit");
  const isWell = async () => {
    try {
      const answer = await fetch(`http://127.0.0.1:${telemetry}/ready`, {
        signal: AbortSignal.timeout(5_000),
      });
      return answer.ok;
    } catch {
      return false;
    }
  };
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  while (!(await isWell())) {
    if (child.exitCode === null) continue;
    const said = endOf(log, 5).join("\n");
    await stop();
    throw serviceFailed(
      "catalog",
      `The catalog's server of the drill ended when it started.\n${said}`,
      "slh stack status says more.",
    );
  }
  return { port: http, isWell, stop };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

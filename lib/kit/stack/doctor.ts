import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statfsSync } from "node:fs";
import { freemem } from "node:os";
import { dirname } from "node:path";
import type { StackHome } from "./home.js";
import { userCache } from "./install/cache.js";
import { hasApt, runs } from "./install/debian.js";
import { homeOf, isInstalled, programOf } from "./install/install.js";
import { getJdk, noJdk } from "./install/jars.js";
import { jdkOf } from "./install/jdk.js";
import { PORTS } from "./ports.js";
import { isRunning } from "./process/identity.js";
import { isFree } from "./process/ports.js";
import { readSecrets } from "./secrets.js";
import type { NativeService, Packages, Service } from "./service.js";
import { SERVICES } from "./services/all.js";

/** One thing that the stack needs of this machine. */
export interface Finding {
  readonly what: string;
  readonly isFine: boolean;
  readonly detail: string;
  /** What to do, where it is not fine. */
  readonly remedy?: string;
}

/** Looks at all that services need of this machine, and changes nothing. */
export async function examine(
  services: readonly NativeService[],
  home: StackHome,
): Promise<readonly Finding[]> {
  return [
    ...services.map(packagesOf),
    memory(services, home),
    disk(services),
    ...(await portsOf(services, home)),
    secrets(home),
  ];
}

/** What has to be on a machine for packages to be installed there. */
const TOOLS: {
  readonly [F in Packages["from"]]: (
    packages: Extract<Packages, { readonly from: F }>,
  ) => Pick<Finding, "isFine" | "detail" | "remedy">;
} = {
  npm: () => fine("comes with this package"),
  debian: () =>
    hasApt()
      ? fine("apt-get has it")
      : lacking("there is no apt-get", "Install it so that it is on the path."),
  pypi: () => python("PyPI has it"),
  maven: () => withIvy() ?? python("Maven's repository has it, and PyPI its Java"),
  jars: ({ jdk }) => withJdk(jdk) ?? withIvy() ?? fine("Maven's repository has it"),
  go: () =>
    runs("go")
      ? fine("go builds it, once")
      : lacking(
          "there is no go",
          "Install Go 1.25 or newer; or run it with Docker Compose: slh stack compose.",
        ),
};

const fine = (detail: string) => ({ isFine: true, detail });
const lacking = (detail: string, remedy: string) => ({ isFine: false, detail, remedy });

/** What is lacking for jars to be fetched. */
function withIvy() {
  if (!hasApt())
    return lacking("there is no apt-get, which has Ivy", "Run it with Docker Compose: slh stack compose.");
  if (runs("java")) return undefined;
  return lacking(
    "there is no java, on which Ivy runs",
    "Install a JDK (Debian: apt install openjdk-17-jre-headless).",
  );
}

const withJdk = (jdk: number) => (jdkOf(jdk) === undefined ? lacking(noJdk(jdk), getJdk(jdk)) : undefined);

function python(detail: string) {
  const { status } = spawnSync("python3", [
    "-c",
    "import ensurepip, sys; sys.exit(sys.version_info < (3, 10))",
  ]);
  if (status === 0) return fine(detail);
  return lacking(
    "there is no Python 3.10 or newer with venv",
    "Install it (Debian: apt install python3 python3-venv).",
  );
}

function packagesOf({ name, title, version, packages }: NativeService): Finding {
  const what = `${title} ${version}`;
  if (!isInstalled(name, packages)) {
    const tool = (TOOLS[packages.from] as (packages: Packages) => ReturnType<typeof fine>)(packages);
    return { what, ...tool, detail: `not installed; ${tool.detail}` };
  }
  const lacks = packages.from === "jars" ? withJdk(packages.jdk) : undefined;
  if (lacks !== undefined) return { what, ...lacks, detail: `installed; ${lacks.detail}` };
  const [program = ""] = programOf(name, packages);
  const isThere = !program.includes("/") || existsSync(program);
  return isThere
    ? { what, ...fine("installed") }
    : {
        what,
        ...lacking(
          `installed, and ${program} is gone`,
          `Delete ${dirname(program)}: slh stack up installs it again.`,
        ),
      };
}

/** Bytes that programs could have, which is more than is free where files are cached. */
function availableMemory(): number {
  try {
    const [, kibibytes] = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8")) ?? [];
    return kibibytes === undefined ? freemem() : Number(kibibytes) * 1024;
  } catch {
    return freemem();
  }
}

const GiB = 1024 ** 3;
const inGiB = (bytes: number): string => `${(bytes / GiB).toFixed(1)} GiB`;

function memory(services: readonly NativeService[], home: StackHome): Finding {
  const down = services.filter(({ name }) => {
    const started = home.started(name);
    return started === undefined || !isRunning(started);
  });
  const wanted = down.reduce((sum, { memoryMiB }) => sum + memoryMiB * 1024 ** 2, 0);
  const available = availableMemory();
  const detail = `${inGiB(available)} available, ${inGiB(wanted)} wanted by what is not up`;
  if (available >= wanted) return { what: "memory", ...fine(detail) };
  return { what: "memory", ...lacking(detail, "End other programs, or start fewer profiles.") };
}

/** Go's modules and what it compiles them to are most of it. */
const DISK = {
  go: 4 * GiB,
  pypi: 1.5 * GiB,
  maven: GiB,
  jars: 1.5 * GiB,
  debian: 0.2 * GiB,
  npm: 0,
} as const;

function disk(services: readonly NativeService[]): Finding {
  const missing = new Map(
    services
      .filter(({ name, packages }) => !isInstalled(name, packages))
      .map(({ name, packages }) => [homeOf(name, packages), DISK[packages.from]]),
  );
  const wanted = [...missing.values()].reduce((sum, bytes) => sum + bytes, 0);
  let folder = userCache();
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  const detail = `${inGiB(bavail * bsize)} free at ${folder}, ${inGiB(wanted)} wanted by what is not installed`;
  if (bavail * bsize >= wanted) return { what: "disk", ...fine(detail) };
  return {
    what: "disk",
    ...lacking(detail, "Make room, or set XDG_CACHE_HOME to a folder on a larger disk."),
  };
}

async function portsOf(services: readonly NativeService[], home: StackHome): Promise<Finding[]> {
  const taken: Finding[] = [];
  let count = 0;
  for (const { name, title } of services) {
    const started = home.started(name);
    if (started !== undefined && isRunning(started)) continue;
    for (const part of Object.keys(PORTS[name])) {
      const port = home.port(name, part);
      count++;
      if (!(await isFree(port, "127.0.0.1")))
        taken.push({
          what: `port ${port}`,
          ...lacking(
            `${title} (${part}) wants it, and another program has it`,
            "End that program, or start the stack with --port-offset 1000.",
          ),
        });
    }
  }
  return taken.length > 0 ? taken : [{ what: "ports", ...fine(`${count} wanted, all free`) }];
}

function secrets(home: StackHome): Finding {
  try {
    const isThere = readSecrets(home.secretsFile) !== undefined;
    return {
      what: "secrets",
      ...fine(isThere ? home.secretsFile : "made at random when the stack first starts"),
    };
  } catch (error) {
    return {
      what: "secrets",
      ...lacking(`others can read ${home.secretsFile}`, (error as { remedy?: string }).remedy ?? ""),
    };
  }
}

/** Those of profiles that do not run here, and why. */
export const elsewhere = (): readonly { readonly title: string; readonly why: string }[] =>
  Object.values<Service>(SERVICES).flatMap(({ title, onlyCompose }) =>
    onlyCompose === undefined ? [] : [{ title, why: onlyCompose }],
  );

import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  byteSize,
  columns,
  duration,
  type Ink,
  ink,
  ProgressLine,
  printJson,
  printLine,
} from "sololakehouse/terminal";
import type { StackFlags, UpFlags } from "../commands.js";
import { renderCompose } from "../compose/render.js";
import { elsewhere, examine } from "../doctor.js";
import { down } from "../down.js";
import { environmentOf } from "../environment.js";
import { stackUnready } from "../errors.js";
import { portOffset, StackHome } from "../home.js";
import { PORTS } from "../ports.js";
import { endOf } from "../process/end-of.js";
import { urlOf } from "../process/health.js";
import { secretsIn } from "../secrets.js";
import { isNative, type Service } from "../service.js";
import { SERVICES, serviceNamed, servicesOf } from "../services/all.js";
import { type ServiceState, type ServiceStatus, statusOf } from "../status.js";
import { type Start, up } from "../up.js";

/** Where it listens: its page, or its first port. */
const addressOf = (home: StackHome, { name, page }: Service): string => {
  if (page !== undefined) return urlOf(home, name, page);
  const [first = ""] = Object.keys(PORTS[name]);
  return `127.0.0.1:${home.port(name, first)}`;
};

export async function upCommand({ profile, portOffset: offset, json }: UpFlags): Promise<void> {
  const home = new StackHome();
  if (offset !== undefined) await moveTo(offset, home);
  const progress = new ProgressLine();
  const started: Start[] = [];
  const rows = (start: Start) => [
    [
      ink(start.service.name, "bold"),
      addressOf(home, start.service),
      start.milliseconds === undefined ? "was up already" : duration(start.milliseconds),
    ],
  ];
  try {
    await up(servicesOf(profile).filter(isNative), home, {
      doing: (step, live) => {
        if (json !== true) progress.update(step, live);
      },
      started: (start) => {
        progress.clear();
        started.push(start);
        if (json !== true) printLine(columns(rows(start), WIDE)[0]);
      },
    });
  } finally {
    progress.clear();
  }
  if (json)
    printJson(
      started.map(({ service, milliseconds }) => ({
        name: service.name,
        address: addressOf(home, service),
        ...(milliseconds === undefined ? {} : { milliseconds: Math.round(milliseconds) }),
      })),
    );
  else
    printLine(
      ink('eval "$(slh stack env)" puts commands of this shell on it; slh stack down stops it.', "grey"),
    );
}

const WIDE = "<<<";

/** Ports are moved while nothing has them. */
async function moveTo(offset: number, home: StackHome): Promise<void> {
  const wanted = portOffset(String(offset));
  if (wanted === home.offset) return;
  for (const { name, title } of Object.values<Service>(SERVICES))
    if (home.started(name) !== undefined)
      throw stackUnready(
        name,
        `${title} was started on ports that are ${home.offset} above their own.`,
        "Run slh stack down first, then start it on the others.",
      );
  home.setOffset(wanted);
}

export async function downCommand(json: boolean): Promise<void> {
  const stopped: object[] = [];
  await down(new StackHome(), ({ service: { name }, milliseconds, killed }) => {
    stopped.push({ name, milliseconds: Math.round(milliseconds), killed });
    const how = killed ? ink("did not end by itself, and was killed", "amber") : "";
    if (!json) printLine(columns([[ink(name, "bold"), duration(milliseconds), how]], WIDE)[0]);
  });
  if (json) printJson(stopped);
  else if (stopped.length === 0) printLine("Nothing of the stack runs.");
}

const COLOURS: Readonly<Record<ServiceState, Ink>> = {
  up: "green",
  "not well": "red",
  crashed: "red",
  "ended with the machine": "amber",
  down: "grey",
};

export async function statusCommand(json: boolean): Promise<void> {
  const home = new StackHome();
  const services = Object.values<Service>(SERVICES).filter(isNative);
  const all = await Promise.all(services.map((service) => statusOf(service, home)));
  if (all.some(({ state }) => state !== "up" && state !== "down")) process.exitCode = 1;
  if (json) {
    printJson(all.map((status) => asJson(status, home)));
    return;
  }
  const rows = all.map(({ service, state, since, memory }) => [
    ink(service.name, "bold"),
    ink(state, COLOURS[state]),
    state === "down" ? "" : addressOf(home, service),
    since === undefined ? "" : `since ${since.slice(0, 19).replace("T", " ")}`,
    memory === undefined ? "" : byteSize(memory),
  ]);
  for (const line of columns(rows, "<<<<>")) printLine(line);
  for (const { service, said = [] } of all)
    for (const line of said) printLine(ink(`${service.name}: ${line}`, "grey"));
  if (all.some(({ state }) => state === "crashed" || state === "ended with the machine"))
    printLine("slh stack up starts what is gone, with the data that it had.");
}

const asJson = (
  { service: { name, version }, state, pid, since, memory }: ServiceStatus,
  home: StackHome,
) => ({
  name,
  version,
  state,
  ports: Object.fromEntries(Object.keys(PORTS[name]).map((part) => [part, home.port(name, part)])),
  ...(pid === undefined ? {} : { pid }),
  ...(since === undefined ? {} : { since }),
  ...(memory === undefined ? {} : { memory }),
});

export async function logsCommand(
  name: string,
  { lines, json }: { lines: number; json?: true },
): Promise<void> {
  const home = new StackHome();
  const found = endOf(home.logOf(serviceNamed(name).name), lines);
  if (json) printJson(found);
  else for (const line of found) printLine(line);
}

export async function openCommand(name: string, json: boolean): Promise<void> {
  const home = new StackHome();
  const { name: service, title, page } = serviceNamed(name);
  if (page === undefined)
    throw stackUnready(name, `${title} has no page.`, `slh stack status shows where it listens.`);
  const url = urlOf(home, service, page);
  if (json) {
    printJson({ url });
    return;
  }
  printLine(url);
  const browser = { darwin: "open", win32: "explorer" }[process.platform as string] ?? "xdg-open";
  const child = spawn(browser, [url], { stdio: "ignore", detached: true });
  // Whoever has no browser here has the address.
  child.once("error", () => {});
  child.unref();
}

export async function doctorCommand({ profile, json }: StackFlags): Promise<void> {
  const findings = await examine(servicesOf(profile).filter(isNative), new StackHome());
  if (findings.some(({ isFine }) => !isFine)) process.exitCode = 1;
  if (json) {
    printJson(findings.map((finding) => ({ ...finding })));
    return;
  }
  const rows = findings.map(({ what, isFine, detail, remedy = "" }) => [
    isFine ? ink("✔", "green") : ink("✖", "red"),
    what,
    detail,
    remedy,
  ]);
  for (const line of columns(rows, "<<<<")) printLine(line);
  for (const { title, why } of elsewhere())
    printLine(ink(`${title} runs with Docker Compose alone: ${why}.`, "grey"));
}

export async function envCommand(json: boolean): Promise<void> {
  const variables = environmentOf(new StackHome());
  if (json) printJson(variables);
  else
    for (const [name, value] of Object.entries(variables))
      console.log(`export ${name}='${value.replaceAll("'", "'\\''")}'`);
}

export async function composeCommand(folder: string, json: boolean): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const compose = join(folder, "compose.yaml");
  writeFileSync(compose, renderCompose());
  const secrets = join(folder, ".env");
  secretsIn(secrets);
  if (json) printJson({ compose, secrets });
  else
    printLine(
      `Wrote ${compose}, and its secrets in ${secrets}. Start it: docker compose -f ${compose} up --wait`,
    );
}

// No Docker is needed here: the Compose file is held against the descriptions and against what runs natively, as text.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import {
  isNative,
  type Place,
  PORTS,
  renderCompose,
  SECRETS,
  SERVICES,
  type Service,
} from "../../lib/kit/stack/index.js";

const root = join(import.meta.dirname, "../..");
const text = renderCompose();

interface ComposeService {
  readonly image: string;
  readonly build?: { readonly dockerfile: string };
  readonly profiles?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly configs?: readonly { readonly source: string; readonly target: string }[];
  readonly volumes?: readonly string[];
  readonly ports: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck: { readonly test: readonly string[] };
  readonly deploy: { readonly resources: { readonly limits: { readonly memory: string } } };
}

const compose = parse(text) as {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly configs: Readonly<Record<string, { readonly content: string }>>;
};
const services = Object.values<Service>(SERVICES);
const of = (name: string): ComposeService => compose.services[name] as ComposeService;

const here: Place = {
  listen: "127.0.0.1",
  data: join(tmpdir(), "data"),
  files: join(tmpdir(), "files"),
  lake: join(tmpdir(), "lake"),
  host: () => "127.0.0.1",
  port: (service, name) => (PORTS[service] as Readonly<Record<string, number>>)[name] as number,
  secret: (name) => `value-of-${name}`,
};
const native = services.map((service) => ({ service, settings: service.settings(here) }));

test("deploy/compose has the file that slh stack compose writes", () => {
  expect(readFileSync(join(root, "deploy/compose/compose.yaml"), "utf8")).toBe(text);
});

test("it has every service that there is a port for, under its name", () => {
  expect(Object.keys(compose.services)).toEqual(services.map(({ name }) => name));
  expect(Object.keys(compose.services).sort()).toEqual(Object.keys(PORTS).sort());
});

test("ports are all different, and stay ports with the largest offset", () => {
  const ports = Object.values(PORTS).flatMap((each) => Object.values(each) as number[]);
  expect(new Set(ports).size).toBe(ports.length);
  expect(Math.max(...ports) + 10_000).toBeLessThan(65_536);
});

describe.each(services)("$name", (service) => {
  const { name, container, needs, profile, memoryMiB } = service;

  test("has an image of one version, a check of its health, a limit, and the profile that it has natively", () => {
    const { image, build, healthcheck, deploy, profiles } = of(name);
    expect(image).toMatch(/^[a-z0-9./-]+:v?\d[\w.-]*$/);
    if (build === undefined) expect(image).toContain(service.version);
    else expect(existsSync(join(root, build.dockerfile))).toBe(true);
    expect(healthcheck.test[0]).toMatch(/^CMD(-SHELL)?$/);
    expect(deploy.resources.limits.memory).toBe(`${memoryMiB}M`);
    expect(profiles).toEqual(profile === "core" ? undefined : [profile]);
  });

  test("is published to this machine alone, on the ports that it has natively", () => {
    const ports: Readonly<Record<string, number>> = PORTS[name];
    expect(container.published.length).toBeGreaterThan(0);
    expect(of(name).ports).toEqual(
      container.published.map((part) => `127.0.0.1:${ports[part]}:${ports[part]}`),
    );
  });

  test("waits for what it needs, which starts in its profile or in core, before it", () => {
    const order = services.map((each) => each.name);
    for (const need of needs) {
      expect(order.indexOf(need)).toBeLessThan(order.indexOf(name));
      expect(["core", profile]).toContain(SERVICES[need].profile);
      expect(of(name).depends_on?.[need]).toEqual({ condition: "service_healthy" });
    }
  });

  test("keeps its data in a volume, and finds its files where its settings look", () => {
    const { volumes = [], configs = [] } = of(name);
    for (const volume of volumes.filter((each) => !each.startsWith("."))) {
      expect(Object.keys(compose.volumes)).toContain(volume.split(":")[0]);
    }
    for (const mount of volumes.filter((each) => each.startsWith(".")))
      expect(existsSync(join(root, "deploy/compose", mount.split(":")[0] as string))).toBe(true);
    const files = Object.keys(service.settings(here).files ?? {});
    expect(configs.map(({ target }) => target)).toEqual(files.map((file) => `${container.files}/${file}`));
    for (const { source } of configs) expect(compose.configs[source]?.content).not.toBe("");
  });
});

test("natively nothing is told to listen beyond loopback, and each port is told to somebody", () => {
  for (const { service, settings } of native.filter((each) => isNative(each.service))) {
    const said = JSON.stringify(settings);
    expect(said).not.toMatch(/0\.0\.0\.0|\[::\]|localhost/);
    for (const port of Object.values(PORTS[service.name])) expect(said).toContain(String(port));
  }
});

test("secrets are in it as variables alone, and it names no variable that .env does not have", () => {
  const names = [...text.matchAll(/(?<!\$)\$\{(\w+):\?/g)].map(([, name]) => name);
  expect(new Set(names)).toEqual(
    new Set(Object.keys(SECRETS).filter((name) => JSON.stringify(native).includes(`value-of-${name}`))),
  );
  // Whatever else has a dollar sign has two.
  expect(text.replaceAll("$$", "").match(/\$(?!\{SLH_STACK_\w+:\?)/g)).toBeNull();
  expect(text).not.toContain("@@");
});

test("each service is given the keys of its own alone, and none the administrator's or a reader's", () => {
  const keysOf = (name: string): readonly string[] => {
    const said = JSON.stringify(native.find(({ service }) => service.name === name)?.settings);
    return [
      ...new Set([...said.matchAll(/value-of-SLH_STACK_(S3\w*)_KEY/g)].map(([, key]) => key as string)),
    ];
  };
  expect(
    Object.fromEntries(services.map(({ name }) => [name, keysOf(name)]).filter(([, keys]) => keys?.length)),
  ).toEqual({
    seaweedfs: ["S3_ADMIN", "S3", "S3_READER", "S3_CATALOG", "S3_LOG", "S3_ENGINES"],
    catalog: ["S3_CATALOG"],
    log: ["S3_LOG"],
    trino: ["S3_ENGINES"],
    "trino-worker-1": ["S3_ENGINES"],
    "trino-worker-2": ["S3_ENGINES"],
  });
});

test("alarms come through Compose as they are", () => {
  const { content } = compose.configs["prometheus-alerts-yml"] as { content: string };
  const alarms = readFileSync(join(root, "deploy/observability/alerts.yml"), "utf8");
  expect(content.replaceAll("$$", "$")).toBe(alarms);
});

test("Prometheus asks services for metrics at ports that they serve them on, natively and in containers", () => {
  const targets = (config: string): readonly string[] =>
    (
      parse(config) as { scrape_configs: { static_configs: { targets: string[] }[] }[] }
    ).scrape_configs.flatMap(({ static_configs }) => static_configs.flatMap((each) => each.targets));
  const ours = native.find(({ service }) => service.name === "prometheus")?.settings.files;
  const inside = targets(compose.configs["prometheus-prometheus-yml"]?.content ?? "");
  expect(targets(ours?.["prometheus.yml"] ?? "")).toEqual(
    inside.map((each) => each.replace(/^[a-z]+/, "127.0.0.1")),
  );
  for (const target of inside) {
    const [service = "", port] = target.split(":");
    expect(Object.values(PORTS[service as keyof typeof PORTS])).toContain(Number(port));
  }
});

test("Grafana is told where Prometheus is, and looks for dashboards and settings where they are mounted", () => {
  interface Sources {
    readonly datasources: readonly {
      readonly type: string;
      readonly url: string;
      readonly isDefault: boolean;
    }[];
  }
  interface Providers {
    readonly providers: readonly { readonly options: { readonly path: string } }[];
  }
  interface Dashboard {
    readonly panels: readonly { readonly datasource?: { readonly uid: string } }[];
    readonly templating: {
      readonly list: readonly { readonly name: string; readonly type: string; readonly query: unknown }[];
    };
  }
  const { environment, configs = [], volumes = [] } = of("grafana");
  expect(configs.map(({ target }) => target)).toEqual(
    ["datasources", "dashboards"].map((kind) => `${environment?.GF_PATHS_PROVISIONING}/${kind}/stack.yml`),
  );
  const told = (name: string): unknown => parse(compose.configs[name]?.content ?? "");
  const { datasources } = told("grafana-datasources-stack-yml") as Sources;
  expect(datasources).toMatchObject([
    { type: "prometheus", url: `http://prometheus:${PORTS.prometheus.http}`, isDefault: true },
  ]);
  const { providers } = told("grafana-dashboards-stack-yml") as Providers;
  const mounted = Object.fromEntries(volumes.map((each) => each.split(":").slice(0, 2).toReversed()));
  const folders = providers.map(({ options }) =>
    join(root, "deploy/compose", mounted[options.path] ?? "nowhere"),
  );
  const files = folders.flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)));
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) {
    const { panels, templating } = JSON.parse(readFileSync(file, "utf8")) as Dashboard;
    const choice = templating.list.find(({ type }) => type === "datasource");
    expect(choice?.query, file).toBe(datasources[0]?.type);
    const asked = panels.flatMap(({ datasource }) => (datasource === undefined ? [] : [datasource.uid]));
    expect(new Set(asked), file).toEqual(new Set([`\${${choice?.name}}`]));
  }
});

test("the page of the stack has each service, with its profile, its version and where it comes from", () => {
  const from = { npm: "npm", debian: "Debian", pypi: "PyPI", maven: "Maven", jars: "Maven", go: "Go proxy" };
  const page = readFileSync(join(root, "docs/stack.md"), "utf8");
  const rows = [
    ...page.matchAll(/^\| ([^|]+) \| (core|engines|ml|ops) \| ([^|]+) \| [^|]+ \| ([^|]+) \|$/gm),
  ];
  const described = services.map((service) => [
    service.title,
    service.profile,
    service.version,
    isNative(service) ? from[service.packages.from] : "not yet",
  ]);
  expect(rows.map(([, ...cells]) => cells).sort()).toEqual(described.sort());
});

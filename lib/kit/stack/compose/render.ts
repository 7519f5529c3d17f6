import { stringify } from "yaml";
import { PORTS, type ServiceName } from "../ports.js";
import { SECRETS, type SecretName } from "../secrets.js";
import type { Place, Service } from "../service.js";
import { SERVICES } from "../services/all.js";

/** Stands for a secret in what services render, which may be JSON or YAML, until all other dollar signs are doubled. */
const mark = (name: SecretName): string => `@@${name}@@`;

const MARK = new RegExp(`@@(${Object.keys(SECRETS).join("|")})@@`, "g");

/** Compose takes `$` for a variable in all texts: ours are the secrets' alone. One that is missing is an error there. */
const interpolated = (text: string): string =>
  text.replaceAll("$", "$$$$").replace(MARK, (_, name: string) => `\${${name}:?slh stack compose makes it}`);

/** Where a service is in its container. */
const placeOf = ({ container: { data, files } }: Service): Place => ({
  listen: "0.0.0.0",
  data,
  files,
  lake: "/lake",
  host: (service) => service,
  port: (service: ServiceName, name) => (PORTS[service] as Readonly<Record<string, number>>)[name] as number,
  secret: mark,
});

const OUR_IMAGE = "sololakehouse:0.1.0";

/**
 * The text of compose.yaml: the services that run as processes, and those that run in Compose alone. Those of `core` have no
 * profile, so that they start with each. Each port that is published is published to this machine alone.
 */
export function renderCompose(): string {
  const services = Object.values<Service>(SERVICES);
  const rendered = services.map((service) => ({ service, settings: service.settings(placeOf(service)) }));
  const compose = {
    name: "sololakehouse",
    services: Object.fromEntries(
      rendered.map(({ service, settings }) => [service.name, renderService(service, settings)]),
    ),
    volumes: Object.fromEntries(
      ["lake", ...services.filter(hasData).map(volumeOf)].map((name) => [name, {}]),
    ),
    configs: Object.fromEntries(
      rendered.flatMap(({ service, settings: { files = {} } }) =>
        Object.entries(files).map(([file, content]) => [
          configOf(service, file),
          { content: interpolated(content) },
        ]),
      ),
    ),
  };
  return HEAD + stringify(compose, { lineWidth: 0, aliasDuplicateObjects: false });
}

const HEAD = `# Made by slh stack compose from lib/kit/stack: change it there. The secrets are in .env beside it, which the same command
# makes. Without --profile it starts what all profiles have: docker compose --profile ops up --wait
`;

const isOurs = ({ packages }: Service): boolean => packages?.from === "npm";
const hasData = (service: Service): boolean => !isOurs(service) && service.isStateless !== true;
const volumeOf = ({ name }: Service): string => `${name}-data`;
const configOf = ({ name }: Service, file: string): string =>
  `${name}-${file.replaceAll(/[^a-z0-9]+/g, "-")}`;

function renderService(service: Service, { args, env = {}, files = {} }: ReturnType<Service["settings"]>) {
  const { name, container, needs, profile, memoryMiB, stopMs } = service;
  const { image, entrypoint, health, data, published, mounts = {} } = container;
  const ports: Readonly<Record<string, number>> = PORTS[name];
  const volumes = [
    ...(isOurs(service) ? ["lake:/lake"] : []),
    ...(hasData(service) ? [`${volumeOf(service)}:${data}`] : []),
    ...Object.entries(mounts).map(([at, path]) => `../../${path}:${at}:ro`),
  ];
  return {
    ...(image === undefined
      ? { image: OUR_IMAGE, build: { context: "../..", dockerfile: "deploy/compose/Dockerfile" } }
      : { image }),
    ...(profile === "core" ? {} : { profiles: [profile] }),
    ...(isOurs(service) ? { working_dir: "/lake" } : {}),
    // What writes its volume as another user than the one that Docker makes it for.
    ...(image === undefined ? {} : { user: "root" }),
    ...(entrypoint === undefined ? {} : { entrypoint: entrypoint.map(interpolated) }),
    ...(args.length === 0 ? {} : { command: args.map(interpolated) }),
    ...(Object.keys(env).length === 0
      ? {}
      : {
          environment: Object.fromEntries(
            Object.entries(env).map(([key, value]) => [key, interpolated(value)]),
          ),
        }),
    ...(Object.keys(files).length === 0
      ? {}
      : {
          configs: Object.keys(files).map((file) => ({
            source: configOf(service, file),
            target: `${container.files}/${file}`,
          })),
        }),
    ...(volumes.length === 0 ? {} : { volumes }),
    ports: published.map((port) => `127.0.0.1:${ports[port]}:${ports[port]}`),
    ...(needs.length === 0
      ? {}
      : { depends_on: Object.fromEntries(needs.map((need) => [need, { condition: "service_healthy" }])) }),
    healthcheck: {
      test: health.map(interpolated),
      interval: "10s",
      timeout: "10s",
      retries: 12,
      start_period: "30s",
    },
    deploy: { resources: { limits: { memory: `${memoryMiB}M` } } },
    security_opt: ["no-new-privileges:true"],
    restart: "unless-stopped",
    stop_grace_period: `${stopMs / 1000}s`,
  };
}

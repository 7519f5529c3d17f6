import { stringify } from "yaml";
import type { NativeService, Place, Service } from "../service.js";
import { alarms } from "./alarms.js";

/** Who is scraped, and at which of its ports; all serve /metrics. */
const SCRAPED = [
  ["sololakehouse", "catalog", "telemetry"],
  ["sololakehouse", "log", "telemetry"],
  ["seaweedfs", "seaweedfs", "metrics"],
  ["etcd", "etcd", "client"],
  ["prometheus", "prometheus", "http"],
  ["alertmanager", "alertmanager", "http"],
] as const;

const targetOf = ({ host, port }: Place, service: (typeof SCRAPED)[number][1], name: string) =>
  `${host(service)}:${port(service, name)}`;

export const prometheus: NativeService = {
  name: "prometheus",
  title: "Prometheus",
  about: "asks the services for their metrics, and raises the alarms of deploy/observability",
  version: "2.42.0",
  license: "Apache-2.0",
  profile: "ops",
  needs: [],
  memoryMiB: 512,
  health: { port: "http", path: "/-/healthy" },
  page: { port: "http", path: "/alerts" },
  settings: (place) => {
    const { listen, data, files, port } = place;
    const jobs = [...new Set(SCRAPED.map(([job]) => job))];
    const config = {
      global: { scrape_interval: "15s", evaluation_interval: "15s" },
      rule_files: [`${files}/alerts.yml`],
      alerting: {
        alertmanagers: [{ static_configs: [{ targets: [targetOf(place, "alertmanager", "http")] }] }],
      },
      scrape_configs: jobs.map((job) => ({
        job_name: job,
        static_configs: [
          {
            targets: SCRAPED.filter(([of]) => of === job).map(([, service, name]) =>
              targetOf(place, service, name),
            ),
          },
        ],
      })),
    };
    return {
      args: [
        `--config.file=${files}/prometheus.yml`,
        `--storage.tsdb.path=${data}/tsdb`,
        `--web.listen-address=${listen}:${port("prometheus", "http")}`,
      ],
      files: { "prometheus.yml": stringify(config), "alerts.yml": alarms() },
    };
  },
  packages: { from: "debian", packages: ["prometheus"], program: "prometheus" },
  stopMs: 20_000,
  container: {
    image: "prom/prometheus:v2.42.0",
    health: ["CMD-SHELL", "wget -q -O /dev/null http://127.0.0.1:9090/-/healthy"],
    data: "/prometheus",
    files: "/etc/sololakehouse",
    published: ["http"],
  },
};

export const alertmanager: NativeService = {
  name: "alertmanager",
  title: "Alertmanager",
  about: "groups alarms and shows them; it sends them to nobody until it is given an address",
  version: "0.27.0",
  license: "Apache-2.0",
  profile: "ops",
  needs: [],
  memoryMiB: 128,
  health: { port: "http", path: "/-/healthy" },
  page: { port: "http", path: "/" },
  settings: ({ listen, data, files, port }) => ({
    args: [
      `--config.file=${files}/alertmanager.yml`,
      `--storage.path=${data}/alertmanager`,
      `--web.listen-address=${listen}:${port("alertmanager", "http")}`,
      // There is one, so there are no peers to listen to.
      "--cluster.listen-address=",
    ],
    files: {
      "alertmanager.yml": stringify({
        route: { receiver: "page", group_by: ["alertname", "instance"] },
        receivers: [{ name: "page" }],
      }),
    },
  }),
  // Debian's reads its templates from /usr/share, and does not start where it was unpacked elsewhere.
  packages: {
    from: "go",
    module: "github.com/prometheus/alertmanager",
    version: "v0.27.0",
    program: "cmd/alertmanager",
    replace: {},
  },
  stopMs: 15_000,
  container: {
    image: "prom/alertmanager:v0.27.0",
    health: ["CMD-SHELL", "wget -q -O /dev/null http://127.0.0.1:9093/-/healthy"],
    data: "/alertmanager",
    files: "/etc/sololakehouse",
    published: ["http"],
  },
};

/** Where Grafana's container finds the dashboards. */
const DASHBOARDS = "/etc/dashboards";

export const grafana: Service = {
  name: "grafana",
  title: "Grafana",
  about: "the dashboard of deploy/observability, over Prometheus",
  version: "11.6.0",
  license: "AGPL-3.0-only",
  profile: "ops",
  needs: ["prometheus"],
  memoryMiB: 512,
  health: { port: "http", path: "/api/health" },
  page: { port: "http", path: "/" },
  settings: ({ listen, data, files, host, port, secret }) => ({
    args: [],
    env: {
      GF_SERVER_HTTP_ADDR: listen,
      GF_SERVER_HTTP_PORT: String(port("grafana", "http")),
      GF_PATHS_DATA: data,
      GF_PATHS_PROVISIONING: files,
      GF_SECURITY_ADMIN_PASSWORD: secret("SLH_STACK_GRAFANA_PASSWORD"),
      GF_ANALYTICS_REPORTING_ENABLED: "false",
    },
    files: {
      "datasources/stack.yml": stringify({
        apiVersion: 1,
        datasources: [
          {
            name: "Prometheus",
            type: "prometheus",
            access: "proxy",
            url: `http://${host("prometheus")}:${port("prometheus", "http")}`,
            isDefault: true,
          },
        ],
      }),
      "dashboards/stack.yml": stringify({
        apiVersion: 1,
        providers: [{ name: "sololakehouse", type: "file", options: { path: DASHBOARDS } }],
      }),
    },
  }),
  onlyCompose: "none of npm, PyPI, Maven, the Go proxy and Debian has it as a program",
  stopMs: 15_000,
  container: {
    image: "grafana/grafana-oss:11.6.0",
    health: ["CMD-SHELL", "wget -q -O /dev/null http://127.0.0.1:3000/api/health"],
    data: "/var/lib/grafana",
    files: "/etc/sololakehouse",
    published: ["http"],
    mounts: { [DASHBOARDS]: "deploy/observability/grafana" },
  },
};

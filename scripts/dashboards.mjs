// npm run dashboards: deploy/observability/grafana/*.json, which is committed; --check says whether it is up to date.
// The panels are below; Grafana's own library knows how its JSON looks.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  DashboardBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as Stat } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TimeSeries } from "@grafana/grafana-foundation-sdk/timeseries";

const file = join(
  dirname(fileURLToPath(import.meta.url)),
  "../deploy/observability/grafana/sololakehouse.json",
);
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana fills it in
const datasource = { type: "prometheus", uid: "${datasource}" };

/** Of the chosen processes. */
const of = (metric, more = "") => `sololakehouse_${metric}{instance=~"$instance"${more}}`;
const rate = (metric, by = "", more = "") =>
  `sum by (${by || "instance"}) (rate(${of(metric, more)}[$__rate_interval]))`;
const quantile = (q, metric, by = "") =>
  `histogram_quantile(${q}, sum by (le${by && `, ${by}`}) (rate(${of(`${metric}_bucket`)}[$__rate_interval])))`;

function panel(title, description, unit, queries, Kind = TimeSeries) {
  const built = new Kind()
    .title(title)
    .description(description)
    .datasource(datasource)
    .unit(unit)
    .min(0)
    .height(8)
    .span(8);
  for (const [i, [legend, expr]] of queries.entries())
    built.withTarget(
      new DataqueryBuilder()
        .refId(String.fromCharCode(65 + i))
        .expr(expr)
        .legendFormat(legend)
        .datasource(datasource),
    );
  return built;
}

const health = panel(
  "Parts",
  "1 for each part that did its job when it was last asked. /health of the process says why one does not.",
  "none",
  [["{{part}}", `min by (part) (${of("part_up")})`]],
  Stat,
).thresholds(
  new ThresholdsConfigBuilder().mode("absolute").steps([
    { value: null, color: "red" },
    { value: 1, color: "green" },
  ]),
);

const ROWS = {
  "How it is": [
    health,
    panel(
      "Failures",
      "What failed, by room. The label outcome of the durations, and the events, say why.",
      "ops",
      [
        ["store", rate("storage_failures_total")],
        ["commits", rate("iceberg_commit_failures_total")],
        ["queries", rate("query_failures_total")],
        ["publications", rate("quality_publish_failures_total")],
        ["upkeep", rate("maintenance_step_failures_total")],
        ["steps of pipelines", rate("orchestration_step_failures_total")],
        ["backups", rate("backup_run_failures_total", "what")],
      ],
    ),
    panel("Process", "Memory that is held, and how late the event loop was at worst.", "bytes", [
      ["memory", 'process_resident_memory_bytes{instance=~"$instance"}'],
    ]),
    panel(
      "Event loop and processor",
      "How late the event loop was at worst between two scrapes, and processors in use.",
      "s",
      [
        ["delay", of("event_loop_delay_seconds")],
        ["processors", 'rate(process_cpu_seconds_total{instance=~"$instance"}[$__rate_interval])'],
      ],
    ),
  ],
  Store: [
    panel("Requests", "Requests to the store, as the rooms above make them.", "reqps", [
      ["{{operation}}", rate("storage_request_duration_seconds_count", "operation")],
    ]),
    panel("Latency", "Of nine, and of ninety-nine, in a hundred requests.", "s", [
      ["{{operation}} 90%", quantile(0.9, "storage_request_duration_seconds", "operation")],
      ["{{operation}} 99%", quantile(0.99, "storage_request_duration_seconds", "operation")],
    ]),
    panel("Bytes", "Bytes of objects read and written; what the cache had needed no request.", "Bps", [
      ["{{operation}}", rate("storage_bytes_total", "operation")],
      ["from the cache", rate("storage_cache_hit_bytes_total")],
      ["fetched by the cache", rate("storage_cache_missed_bytes_total")],
    ]),
  ],
  Tables: [
    panel("Commits", "Commits to tables by outcome, and how often they were made again.", "ops", [
      ["{{outcome}}", rate("iceberg_commit_duration_seconds_count", "outcome")],
      ["again", rate("iceberg_commit_retries_total")],
      ["conflicts", rate("iceberg_commit_conflicts_total")],
    ]),
    panel("Commit latency", "How long commits to tables, and moves of branches, take.", "s", [
      ["commit 99%", quantile(0.99, "iceberg_commit_duration_seconds")],
      ["branch 99%", quantile(0.99, "catalog_move_duration_seconds")],
    ]),
    panel("Planning", "Data files that plans want read, and those that they leave out.", "ops", [
      ["read", rate("iceberg_plan_files_total")],
      ["left out", rate("iceberg_plan_skipped_files_total")],
      ["deletes applied", rate("iceberg_plan_delete_files_total")],
    ]),
  ],
  Queries: [
    panel("Queries", "Queries by kind and outcome.", "reqps", [
      ["{{kind}} {{outcome}}", rate("query_duration_seconds_count", "kind, outcome")],
    ]),
    panel("Time to first rows", "Of half, and of ninety-nine in a hundred queries.", "s", [
      ["50%", quantile(0.5, "query_duration_seconds")],
      ["99%", quantile(0.99, "query_duration_seconds")],
    ]),
    panel("Planned bytes", "Bytes of files that plans want read, and of those that they leave out.", "Bps", [
      ["read", rate("iceberg_plan_bytes_total")],
      ["left out", rate("iceberg_plan_skipped_bytes_total")],
    ]),
  ],
  Log: [
    panel("Lag", "How many records groups are behind.", "none", [
      ["{{group}} in {{topic}}", of("log_group_lag_records")],
    ]),
    panel("Append latency", "Until a batch was acknowledged: on the disk, or in the store.", "s", [
      ["{{ack}} 99%", quantile(0.99, "log_append_duration_seconds", "ack")],
    ]),
    panel("Bytes", "Appended by clients, and read, by where from.", "Bps", [
      ["appended", rate("log_append_bytes_total")],
      ["read from {{source}}", rate("log_read_bytes_total", "source")],
    ]),
    panel(
      "Into tables",
      "Rows of topics that tables have taken in, records that became no row and are among the dead letters, commits that failed, and topics whose way into their table an error has ended.",
      "ops",
      [
        ["rows", rate("log_table_rows_total")],
        ["dead letters", rate("log_table_dead_letters_total")],
        ["failed commits", rate("log_table_failures_total")],
        ["ended", rate("log_table_stops_total")],
      ],
    ),
  ],
  "Log's servers": [
    panel("Kafka's clients", "Requests of Kafka's clients that were answered, by API.", "reqps", [
      ["{{api}}", rate("log_kafka_request_duration_seconds_count", "api")],
    ]),
    panel(
      "Kafka latency",
      "Of ninety-nine in a hundred requests, by API. Fetch waits for records, and JoinGroup and SyncGroup for members, as clients ask them to.",
      "s",
      [["{{api}} 99%", quantile(0.99, "log_kafka_request_duration_seconds", "api")]],
    ),
    panel(
      "Kafka failures",
      "Requests that failed by no fault of their client and connections that broke, and requests that ended theirs, by why.",
      "ops",
      [
        ["failures", rate("log_kafka_failures_total")],
        [
          "ended by {{outcome}}",
          rate("log_kafka_request_duration_seconds_count", "outcome", ', outcome!="ok"'),
        ],
      ],
    ),
    panel("Groups", "Rebalances of groups, and offsets of partitions that groups have committed.", "ops", [
      ["rebalances", rate("log_group_rebalance_duration_seconds_count")],
      ["offsets", rate("log_group_commits_total")],
    ]),
    panel("gRPC", "Calls by gRPC that were answered, or that have begun to stream, by outcome.", "reqps", [
      ["{{outcome}}", rate("log_call_duration_seconds_count", "outcome")],
    ]),
    panel(
      "Users",
      "Logins by how and with what outcome, what was refused, and how often somebody was made to wait who was too fast.",
      "ops",
      [
        ["{{mechanism}} {{outcome}}", rate("log_authentications_total", "mechanism, outcome")],
        ["refused: {{operation}}", rate("log_refusals_total", "operation")],
        ["made to wait: {{kind}}", rate("log_throttle_duration_seconds_count", "kind")],
      ],
    ),
  ],
  Pipelines: [
    panel("Runs", "Runs of orchestrated pipelines, by pipeline and outcome.", "ops", [
      ["{{pipeline}} {{outcome}}", rate("orchestration_run_duration_seconds_count", "pipeline, outcome")],
    ]),
    panel("Steps", "Steps that failed after all of their tries, and tries that were made again.", "ops", [
      ["failed", rate("orchestration_step_failures_total")],
      ["tried again", rate("orchestration_retries_total")],
    ]),
    panel("How long steps take", "Of half, and of ninety-nine in a hundred steps.", "s", [
      ["{{pipeline}} 50%", quantile(0.5, "orchestration_step_duration_seconds", "pipeline")],
      ["{{pipeline}} 99%", quantile(0.99, "orchestration_step_duration_seconds", "pipeline")],
    ]),
  ],
  "Quality and upkeep": [
    panel("Checks that failed", "Those that block, and those that warn.", "ops", [
      ["block", rate("quality_check_failures_total")],
      ["warn", rate("quality_check_warnings_total")],
    ]),
    panel("Publications", "By outcome: CHECK_FAILED where checks let nothing through.", "ops", [
      ["{{outcome}}", rate("quality_publish_duration_seconds_count", "outcome")],
      ["rows set aside", rate("quality_publish_rejected_rows_total")],
    ]),
    panel("Upkeep", "Steps of upkeep, by step and outcome.", "ops", [
      ["{{step}} {{outcome}}", rate("maintenance_step_duration_seconds_count", "step, outcome")],
    ]),
  ],
};

const dashboard = new DashboardBuilder("SoloLakehouse")
  .uid("sololakehouse")
  .description("What a lakehouse does and how it is: processes that were started with --telemetry.")
  .tags(["sololakehouse"])
  .time({ from: "now-3h", to: "now" })
  .refresh("30s")
  .withVariable(new DatasourceVariableBuilder("datasource").type("prometheus").label("Data source"))
  .withVariable(
    new QueryVariableBuilder("instance")
      .label("Process")
      .datasource(datasource)
      .query("label_values(sololakehouse_build_info, instance)")
      .includeAll(true)
      .multi(true),
  );
for (const [title, panels] of Object.entries(ROWS)) {
  dashboard.withRow(new RowBuilder(title));
  for (const one of panels) dashboard.withPanel(one);
}
const made = dashboard.build();

if (process.argv.includes("--check")) {
  // Biome lays it out.
  if (JSON.stringify(JSON.parse(readFileSync(file, "utf8"))) !== JSON.stringify(made)) {
    console.error(
      "deploy/observability/grafana is not what scripts/dashboards.mjs makes: run npm run dashboards.",
    );
    process.exit(1);
  }
} else {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(made, undefined, 2));
}

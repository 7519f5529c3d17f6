import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { prometheusName } from "sololakehouse/observability";
import { exposedMetrics } from "sololakehouse/telemetry";
import { describe, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { observedOf } from "../../lib/lakehouse/health.js";
import { needsPromtool, runPromtool } from "../support/prometheus.js";

const root = join(import.meta.dirname, "../..");
const deploy = join(root, "deploy/observability");

/** Every series that an exposition can have, by name. */
const series = new Set(
  exposedMetrics(
    observedOf(() => {
      throw new Error("nothing is read");
    }),
  ).flatMap((metric) => {
    const name = prometheusName(metric);
    return metric.kind === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
  }),
);

const named = (text: string) =>
  [...text.matchAll(/\b(?:sololakehouse|process)_[a-z_]+/g)].map(([name]) => name);

const dashboards = readdirSync(join(deploy, "grafana")).map((name) => join(deploy, "grafana", name));

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

test("there are metrics of every room", () => {
  const rooms = new Set([...series].map((name) => name.split("_")[1]));
  for (const room of ["storage", "catalog", "iceberg", "query", "log", "quality", "maintenance", "backup"])
    expect(rooms).toContain(room);
});

test.each(dashboards)("every panel of %s shows metrics that there are", (file) => {
  const { panels } = JSON.parse(readFileSync(file, "utf8")) as { panels: readonly Panel[] };
  const shown = panels.filter(({ type }) => type !== "row");
  expect(shown.length).toBeGreaterThan(10);
  for (const { title, targets = [] } of shown) {
    expect(targets, title).not.toEqual([]);
    for (const { expr } of targets) {
      expect(named(expr), `${title}: ${expr}`).not.toEqual([]);
      expect(
        named(expr).filter((name) => !series.has(name)),
        `${title}: ${expr}`,
      ).toEqual([]);
    }
  }
});

test("every alarm is on metrics that there are, and says what is wrong and where to look", () => {
  const { groups } = parse(readFileSync(join(deploy, "alerts.yml"), "utf8")) as {
    groups: readonly { readonly rules: readonly Record<string, never>[] }[];
  };
  const rules = groups.flatMap(({ rules }) => rules);
  expect(rules.length).toBeGreaterThan(10);
  for (const { alert, expr, annotations } of rules as readonly Record<string, unknown>[]) {
    const names = named(String(expr));
    expect(names.length > 0 || String(expr).startsWith("up{"), String(alert)).toBe(true);
    expect(
      names.filter((name) => !series.has(name)),
      String(alert),
    ).toEqual([]);
    expect(annotations).toMatchObject({ summary: expect.any(String), description: expect.any(String) });
  }
});

test("docs/observability.md names metrics that there are", () => {
  const text = readFileSync(join(root, "docs/observability.md"), "utf8");
  const known = (name: string) => series.has(name) || series.has(`${name}_count`);
  const names = named(text).filter((name) => name !== "sololakehouse_");
  expect(names.length).toBeGreaterThan(15);
  expect(names.filter((name) => !known(name))).toEqual([]);
});

test("the dashboards are what scripts/dashboards.mjs makes", () => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, "scripts/dashboards.mjs"), "--check"], {
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
});

describe("promtool", needsPromtool, () => {
  test("runs the rules, and the alarms are raised and end as their tests say", () => {
    const { code, out } = runPromtool(["test", "rules", join(deploy, "alerts.test.yml")]);
    expect(out).toContain("SUCCESS");
    expect(code).toBe(0);
  });

  test("takes the configuration", () => {
    expect(runPromtool(["check", "config", join(deploy, "prometheus.yml")]).code).toBe(0);
  });

  test.each(dashboards)("can read every expression of %s", (dashboard) => {
    const { panels } = JSON.parse(readFileSync(dashboard, "utf8")) as { panels: readonly Panel[] };
    const rules = panels
      .flatMap(({ targets = [] }) => targets)
      .map(({ expr }, i) => ({
        record: `panel:${i}`,
        expr: expr.replaceAll("$__rate_interval", "1m").replaceAll("$instance", ".*"),
      }));
    const file = join(mkdtempSync(join(tmpdir(), "slh-panels-")), "panels.yml");
    onTestFinished(() => rmSync(dirname(file), { recursive: true }));
    writeFileSync(file, JSON.stringify({ groups: [{ name: "panels", rules }] }));
    expect(runPromtool(["check", "rules", file]).out).toContain(`${rules.length} rules found`);
  });
});

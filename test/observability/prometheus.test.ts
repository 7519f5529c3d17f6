import fc from "fast-check";
import {
  collectMetrics,
  eventChannel,
  type MetricDescription,
  metric,
  prometheusName,
  prometheusText,
} from "sololakehouse/observability";
import { describe, expect, test } from "vitest";
import { needsPromtool, runPromtool } from "../support/prometheus.js";
import { runs } from "../support/runs.js";

interface Event {
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
}

const events = eventChannel<Event>("test.prometheus");
const metricOf = (description: Partial<MetricDescription> & { readonly kind: "counter" | "histogram" }) =>
  metric(
    events,
    { name: "test.work", unit: "ms", help: "Work.", ...description },
    { value: ({ value }) => value, labels: ({ labels }) => labels },
  );

/** The exposition of one metric after some events. */
function exposed(description: Parameters<typeof metricOf>[0], told: readonly Event[]): string {
  const stated = metricOf(description);
  const collected = collectMetrics([stated]);
  for (const event of told) events.publish(event);
  const text = prometheusText([stated], collected.read());
  collected.stop();
  return text;
}

/** Samples by their name and labels, as written. */
const samplesOf = (text: string) =>
  new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line): [string, number] => [
        line.slice(0, line.lastIndexOf(" ")),
        Number(line.slice(line.lastIndexOf(" ") + 1)),
      ]),
  );

test.each([
  ["storage.request.duration", "histogram", "ms", "sololakehouse_storage_request_duration_seconds"],
  ["storage.bytes", "counter", "By", "sololakehouse_storage_bytes_total"],
  ["storage.cache.hit", "counter", "By", "sololakehouse_storage_cache_hit_bytes_total"],
  ["log.table.dead-letters", "counter", "1", "sololakehouse_log_table_dead_letters_total"],
  ["log.group.lag.records", "gauge", "1", "sololakehouse_log_group_lag_records"],
  ["process.cpu", "counter", "s", "process_cpu_seconds_total"],
] as const)("%s, a %s in %s, is %s", (name, kind, unit, expected) => {
  expect(prometheusName({ name, kind, unit, help: "" })).toBe(expected);
});

test("a counter without labels stands at 0 before anything happens, so that its first increase is one", () => {
  const failures = metric(events, { name: "test.failures", kind: "counter", unit: "1", help: "Failures." });
  expect(prometheusText([failures], [])).toBe(
    "# HELP sololakehouse_test_failures_total Failures.\n" +
      "# TYPE sololakehouse_test_failures_total counter\n" +
      "sololakehouse_test_failures_total 0\n",
  );
});

test("buckets are in seconds, add up, and are the same whatever was measured", () => {
  const text = exposed({ kind: "histogram" }, [
    { value: 0, labels: {} },
    { value: 1, labels: {} },
    { value: 3, labels: {} },
    { value: 1e9, labels: {} },
  ]);
  const name = "sololakehouse_test_work_seconds";
  const samples = samplesOf(text);
  expect(samples.get(`${name}_bucket{le="0.00025"}`)).toBe(1);
  expect(samples.get(`${name}_bucket{le="0.001"}`)).toBe(2);
  expect(samples.get(`${name}_bucket{le="0.002"}`)).toBe(2);
  expect(samples.get(`${name}_bucket{le="0.004"}`)).toBe(3);
  expect(samples.get(`${name}_bucket{le="131.072"}`)).toBe(3);
  expect(samples.get(`${name}_bucket{le="+Inf"}`)).toBe(4);
  expect(samples.get(`${name}_sum`)).toBe(1_000_000.004);
  expect(samples.get(`${name}_count`)).toBe(4);
  const bounds = (text: string) => [...text.matchAll(/le="([^"]+)"/g)].map(([, bound]) => bound);
  expect(bounds(exposed({ kind: "histogram" }, [{ value: 7, labels: {} }]))).toEqual(bounds(text));
});

test("each bucket has the values up to its bound, as counted one by one", () => {
  const unit = fc.constantFrom("ms", "s", "By", "1" as const);
  const values = fc.array(fc.double({ min: 0, max: 2 ** 40, noNaN: true }), { maxLength: 30 });
  fc.assert(
    fc.property(unit, values, (unit, values) => {
      const told = values.map((value) => ({ value, labels: {} }));
      for (const [key, count] of samplesOf(exposed({ kind: "histogram", unit }, told))) {
        const bound = /le="(.+)"/.exec(key)?.[1];
        if (bound === undefined) continue;
        const upTo = bound === "+Inf" ? Number.POSITIVE_INFINITY : Number(bound) * (unit === "ms" ? 1000 : 1);
        expect(count).toBe(values.filter((value) => value <= upTo).length);
      }
    }),
    { numRuns: runs(100) },
  );
});

test("values of labels may be anything: each stays on its line, and comes back as it was", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 100 }), (value) => {
      const text = exposed({ kind: "counter" }, [{ value: 1, labels: { table: value } }]);
      const lines = text.trimEnd().split("\n");
      expect(lines).toHaveLength(3);
      const quoted = /\{table="(.*)"\}/s.exec(lines[2] as string)?.[1] ?? "";
      const read = quoted.replaceAll(/\\(.)/gs, (_, letter: string) => (letter === "n" ? "\n" : letter));
      expect(read).toBe(value.replaceAll(/\p{Surrogate}/gu, "\ufffd"));
    }),
    { numRuns: runs(300) },
  );
});

test("names that somebody chooses make no more than 200 series, and none of their values is lost", () => {
  const told = Array.from({ length: 5000 }, (_, i) => ({
    value: 1,
    labels: { table: `t${i}${"x".repeat(i % 300)}`, outcome: `o${i % 7}` },
  }));
  const samples = samplesOf(exposed({ kind: "counter", unit: "1" }, told));
  expect(samples.size).toBe(200);
  expect([...samples.values()].reduce((sum, value) => sum + value, 0)).toBe(5000);
  expect(samples.get('sololakehouse_test_work_total{table="other",outcome="other"}')).toBe(5000 - 199);
  expect(Math.max(...[...samples.keys()].map((key) => key.length))).toBeLessThan(300);
});

test("what is no number counts as nothing: it would be the sum for good", () => {
  const told = [Number.NaN, Number.POSITIVE_INFINITY, 2].map((value) => ({ value, labels: {} }));
  expect(samplesOf(exposed({ kind: "counter", unit: "1" }, told)).get("sololakehouse_test_work_total")).toBe(
    2,
  );
});

describe("promtool", needsPromtool, () => {
  test("takes whatever labels there are, and finds nothing to say of it", () => {
    const value = fc.string({ unit: "binary", maxLength: 30 });
    fc.assert(
      fc.property(fc.array(fc.tuple(value, fc.double()), { maxLength: 20 }), (told) => {
        const described = { kind: "histogram" } as const;
        const text = exposed(
          described,
          told.map(([table, value]) => ({ value, labels: { table, le: "1", "a-b": "2", __name__: "x" } })),
        );
        expect(runPromtool(["check", "metrics"], text)).toEqual({ code: 0, out: "" });
      }),
      { numRuns: runs(10) },
    );
  });
});

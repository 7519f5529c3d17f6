import { collectMetrics, eventChannel, metric } from "sololakehouse/observability";
import { expect, test } from "vitest";

interface Request {
  readonly outcome: string;
  readonly bytes?: number;
}

const requests = eventChannel<Request>("test.requests");
const described = { unit: "1", help: "Requests." } as const;

test("a counter adds up, for each combination of labels", () => {
  const metrics = collectMetrics([
    metric(
      requests,
      { name: "requests", kind: "counter", ...described },
      { labels: ({ outcome }) => ({ outcome }) },
    ),
  ]);
  for (const outcome of ["ok", "ok", "NOT_FOUND"]) requests.publish({ outcome });
  const expected = { name: "requests", kind: "counter", ...described, distribution: undefined };
  expect(metrics.read()).toEqual([
    { ...expected, labels: { outcome: "NOT_FOUND" }, count: 1, sum: 1 },
    { ...expected, labels: { outcome: "ok" }, count: 2, sum: 2 },
  ]);
  metrics.stop();
});

test("a histogram tells how values are distributed, and leaves out events that say nothing", () => {
  const bytes = metric(
    requests,
    { name: "bytes", kind: "histogram", unit: "By", help: "Bytes." },
    { value: ({ bytes }) => bytes },
  );
  const metrics = collectMetrics([bytes]);
  for (const bytes of [0, 1, 3, 4, 1000]) requests.publish({ outcome: "ok", bytes });
  requests.publish({ outcome: "ok" });
  expect(metrics.read()).toMatchObject([
    {
      count: 5,
      sum: 1008,
      distribution: {
        min: 0,
        max: 1000,
        buckets: [
          { upTo: 0, count: 1 },
          { upTo: 1, count: 1 },
          { upTo: 4, count: 2 },
          { upTo: 1024, count: 1 },
        ],
      },
    },
  ]);
  metrics.stop();
});

test("nothing is counted, nor listened to, once it was stopped", () => {
  const metrics = collectMetrics([metric(requests, { name: "requests", kind: "counter", ...described })]);
  expect(requests.hasSubscribers).toBe(true);
  metrics.stop();
  expect(requests.hasSubscribers).toBe(false);
  expect(metrics.read()).toEqual([]);
});

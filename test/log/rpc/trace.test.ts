import { expect, onTestFinished, test } from "vitest";
import { connectLog } from "../../../lib/lakehouse/log/index.js";
import { type FinishedSpan, finishedSpans, inTraceOf } from "../../../lib/lakehouse/observability/index.js";
import { openLog, testFolder } from "../support/lake-log.js";
import { post, serve } from "./support/servers.js";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = "b7ad6b7169203331";

test("a call goes on with the trace that it came with, and a client's call with that of its caller", async () => {
  const { url } = await serve(openLog(testFolder()));
  const spans: FinishedSpan[] = [];
  onTestFinished(finishedSpans.subscribe((span: FinishedSpan) => spans.push(span)));
  const create = (topic: string, traceparent: string) =>
    post(url, "AdminService/CreateTopic", { name: topic }, { traceparent });
  expect((await create("a", `00-${TRACE}-${CALLER}-01`)).status).toBe(200);
  const call = spans.find(({ name }) => name === "log.call");
  expect(call).toMatchObject({ traceId: TRACE, parentSpanId: CALLER, outcome: "ok" });

  const remote = await connectLog(url);
  onTestFinished(() => remote.close());
  spans.length = 0;
  await inTraceOf(`00-${TRACE}-${CALLER}-01`, () => remote.topics());
  expect(spans).toMatchObject([{ name: "log.call", traceId: TRACE, parentSpanId: CALLER }]);

  // One that its caller does not record is not recorded here, and one that says no trace is as none.
  spans.length = 0;
  await create("b", `00-${TRACE}-${CALLER}-00`);
  expect(spans).toEqual([]);
  await create("c", `00-${"0".repeat(32)}-${CALLER}-01`);
  expect(spans.find(({ name }) => name === "log.call")).toMatchObject({ parentSpanId: undefined });
});

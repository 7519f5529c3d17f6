import type { Node, PipelineDefinition } from "../model/definition.js";
import type { Exported, ExportedFile } from "./export.js";
import { namesOf, python, pythonList } from "./words.js";

/** Dagster's definitions: an asset for each step, an asset check for each check of what a step makes, and a last asset that publishes. */
export function dagsterFiles({ pipeline, folder, file, command }: Exported): readonly ExportedFile[] {
  const names = namesOf(pipeline, "publish");
  const keyOf = (step: string) => names.get(step) as string;
  const checks = pipeline.nodes.flatMap((node) => {
    const of = checkedBy(pipeline, node);
    return of === undefined ? [] : [{ step: node.step.name, name: keyOf(node.step.name), asset: keyOf(of) }];
  });
  const assets = pipeline.nodes
    .filter(({ step }) => !checks.some((each) => each.step === step.name))
    .map(({ step, upstream }) => ({
      step: step.name,
      name: keyOf(step.name),
      // What goes after a check goes after its asset, whose checks hold up all that follows.
      after: [
        ...new Set(upstream.map((each) => checks.find(({ step }) => step === each)?.asset ?? keyOf(each))),
      ],
    }));
  const schedules = pipeline.triggers.flatMap((each) =>
    each.kind === "schedule" ? [{ cron: each.cron, timezone: each.timezone }] : [],
  );
  const hasSensors = pipeline.triggers.some(({ kind }) => kind === "sensor");
  const text = `"""The pipeline ${pipeline.name} in Dagster, by slh pipeline export --to dagster: its steps are called by slh, whose own
retries, timeouts and strategies hold. What they write comes to the lakehouse's branch when the last asset publishes."""

import json
import os
import shlex
import subprocess

import dagster as dg

SLH = shlex.split(os.environ.get("SLH_COMMAND", ${python(command)}))
FOLDER = os.environ.get("SLH_FOLDER", ${python(folder)})
PIPELINE = ${python(pipeline.name)}
FILE = ${python(file)}
# What a sensor saw: the run's key, by which slh knows that it was run.
KEY = "sololakehouse/key"
AT_WORK = ["QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING"]

${pythonList("ASSETS", assets)}
${pythonList("CHECKS", checks)}
${pythonList("SCHEDULES", schedules)}


def call(*words):
    """Calls slh, and answers with its exit code and what it prints."""
    done = subprocess.run(
        [*SLH, "pipeline", *words, "--file", FILE, "--json"],
        cwd=FOLDER,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if not done.stdout.strip():
        raise dg.Failure(description=done.stderr.strip() or f"slh ended with {done.returncode}", allow_retries=False)
    return done.returncode, json.loads(done.stdout)


def slh(context, *words):
    """Does a part of a run. One that is executed again goes on with the run that it is of."""
    key = context.run.tags.get(KEY) or context.run.root_run_id or context.run.run_id
    return call(*words, "--key", key)


def reason(record):
    error = record.get("error") or {}
    return f"{error.get('code')}: {error.get('message')}"


def asset_of(step, name, after):
    @dg.asset(name=name, deps=after, group_name=PIPELINE.replace("-", "_"), kinds={"sololakehouse"}, metadata={"step": step})
    def run(context: dg.AssetExecutionContext):
        code, record = slh(context, "step", PIPELINE, step)
        # 99: it is left out, since what it follows from has failed, or has failed as it may. slh knows what follows from it.
        if code not in (0, 99):
            raise dg.Failure(description=reason(record), allow_retries=False)
        return dg.MaterializeResult(metadata={"outcome": record["status"], "attempts": record["attempts"]})

    return run


def check_of(step, name, asset):
    @dg.asset_check(name=name, asset=asset, blocking=True, metadata={"step": step})
    def run(context: dg.AssetCheckExecutionContext):
        code, record = slh(context, "step", PIPELINE, step)
        if code == 0:
            return dg.AssetCheckResult(passed=True)
        if (record.get("error") or {}).get("code") == "CHECK_FAILED":
            return dg.AssetCheckResult(passed=False, description=reason(record))
        raise dg.Failure(description=reason(record), allow_retries=False)

    return run


@dg.asset(name="publish", deps=[each["name"] for each in ASSETS], group_name=PIPELINE.replace("-", "_"), kinds={"sololakehouse"})
def publish(context: dg.AssetExecutionContext):
    code, report = slh(context, "publish", PIPELINE)
    if code != 0 and report.get("status") != "partial":
        raise dg.Failure(description=reason(report), allow_retries=False)
    return dg.MaterializeResult(metadata={"status": report["status"], "commit": report.get("hash") or "nothing had changed"})


job = dg.define_asset_job(
    PIPELINE.replace("-", "_"),
    selection=dg.AssetSelection.all(),
    executor_def=dg.multiprocess_executor.configured({"max_concurrent": ${pipeline.concurrency}}),
)


@dg.sensor(name=f"{job.name}_sensor", job=job, minimum_interval_seconds=60)
def sensor(context: dg.SensorEvaluationContext):
    """Asks slh what is new in tables and topics. One run after the other: two would change the same tables."""
    at_work = dg.RunsFilter(job_name=job.name, statuses=[dg.DagsterRunStatus[each] for each in AT_WORK])
    if context.instance.get_run_records(at_work, limit=1):
        return dg.SkipReason("A run is at work.")
    _, events = call("watch", PIPELINE, "--once", "--only", "sensors", "--dry-run")
    for event in events:
        if event["outcome"] == "error":
            raise Exception(reason(event))
    keys = [f"{event['trigger']} {event['at']}" for event in events if event["outcome"] == "due"]
    if not keys:
        return dg.SkipReason("Nothing is new.")
    return dg.RunRequest(run_key=keys[0], tags={KEY: keys[0]})


defs = dg.Definitions(
    assets=[*(asset_of(**each) for each in ASSETS), publish],
    asset_checks=[check_of(**each) for each in CHECKS],
    jobs=[job],
    schedules=[
        dg.ScheduleDefinition(
            name=f"{job.name}_{number}",
            job=job,
            cron_schedule=each["cron"],
            execution_timezone=each["timezone"],
        )
        for number, each in enumerate(SCHEDULES, start=1)
    ],
    sensors=[${hasSensors ? "sensor" : ""}],
)
`;
  return [{ name: `${pipeline.name.replaceAll("-", "_")}_dagster.py`, text }];
}

/** The step whose table a check is of; a check of another table is an asset of its own. */
function checkedBy({ nodes }: PipelineDefinition, { step, upstream }: Node): string | undefined {
  if (step.kind !== "check" || upstream.length !== 1) return undefined;
  return nodes.find((each) => each.step.name === upstream[0] && each.step.kind !== "check")?.step.name;
}

import type { Exported, ExportedFile } from "./export.js";
import { namesOf, python, pythonList } from "./words.js";

/** A DAG of Airflow 3 for each time zone: a task for each step, and a last one that publishes. Another looks at sensors. */
export function airflowFiles({ pipeline, folder, file, command }: Exported): readonly ExportedFile[] {
  const names = namesOf(pipeline, "publish");
  const tasks = pipeline.nodes.map(({ step, upstream }) => ({
    step: step.name,
    task: names.get(step.name) as string,
    after: upstream.map((each) => names.get(each) as string),
  }));
  const zones = new Map<
    string,
    { readonly crons: string[]; readonly timezone: string; readonly catchup: number }
  >();
  for (const each of pipeline.triggers) {
    if (each.kind !== "schedule") continue;
    const catchup = each.catchUp === "all" ? 1 : 0;
    const key = `${each.timezone} ${catchup}`;
    const known = zones.get(key);
    if (known === undefined) zones.set(key, { crons: [each.cron], timezone: each.timezone, catchup });
    else known.crons.push(each.cron);
  }
  const hasSensors = pipeline.triggers.some(({ kind }) => kind === "sensor");
  const text = `"""The pipeline ${pipeline.name} in Airflow 3, by slh pipeline export --to airflow: its steps are called by slh, whose own
retries, timeouts and strategies hold. What they write comes to the lakehouse's branch when the last task publishes."""

import datetime
import os
import shlex

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from airflow.timetables.trigger import MultipleCronTriggerTimetable

SLH = os.environ.get("SLH_COMMAND", ${python(command)})
FOLDER = os.environ.get("SLH_FOLDER", ${python(folder)})
PIPELINE = ${python(pipeline.name)}
FILE = ${python(file)}

${pythonList("TASKS", tasks)}
${pythonList("SCHEDULES", [...zones.values()])}


def slh(task_id, *words, **options):
    """A task that calls slh. Words of ours are none of Jinja's; the run's key comes by the environment. Two DAGs may have runs
    of one id."""
    quoted = shlex.join(["pipeline", *words, "--file", FILE])
    return BashOperator(
        task_id=task_id,
        bash_command="{% raw %}" + f'{SLH} {quoted} --key "$SLH_RUN_KEY"' + "{% endraw %}",
        cwd=FOLDER,
        env={"SLH_RUN_KEY": "{{ dag.dag_id }} {{ run_id }}"},
        append_env=True,
        retries=0,
        **options,
    )


def make_sensors(dag_id):
    """Runs the pipeline, as one task, where a table or topic has something new."""
    with DAG(
        dag_id=dag_id,
        schedule="* * * * *",
        start_date=datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc),
        catchup=False,
        max_active_runs=1,
        tags=["sololakehouse"],
    ) as dag:
        words = shlex.join(["pipeline", "watch", PIPELINE, "--once", "--only", "sensors", "--file", FILE])
        BashOperator(
            task_id="look", bash_command="{% raw %}" + f"{SLH} {words}" + "{% endraw %}", cwd=FOLDER, append_env=True, retries=0
        )
    return dag


def make_dag(dag_id, schedule=None, catchup=False):
    with DAG(
        dag_id=dag_id,
        schedule=schedule,
        start_date=datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc),
        catchup=catchup,
        max_active_runs=1,
        max_active_tasks=${pipeline.concurrency},
        tags=["sololakehouse"],
    ) as dag:
        # Exit code 99 is a step that is left out: what follows from it is, too, and the rest is published.
        tasks = {each["task"]: slh(each["task"], "step", PIPELINE, each["step"], skip_on_exit_code=99) for each in TASKS}
        publish = slh("publish", "publish", PIPELINE, trigger_rule="none_failed")
        for each in TASKS:
            for before in each["after"]:
                tasks[before] >> tasks[each["task"]]
            tasks[each["task"]] >> publish
    return dag


if not SCHEDULES:
    globals()[PIPELINE] = make_dag(PIPELINE)
for number, each in enumerate(SCHEDULES, start=1):
    name = PIPELINE if number == 1 else f"{PIPELINE}_{number}"
    globals()[name] = make_dag(
        name,
        schedule=MultipleCronTriggerTimetable(*each["crons"], timezone=each["timezone"]),
        catchup=each["catchup"] == 1,
    )
${hasSensors ? 'globals()[f"{PIPELINE}_sensors"] = make_sensors(f"{PIPELINE}_sensors")\n' : ""}`;
  return [{ name: `${pipeline.name.replaceAll("-", "_")}_airflow.py`, text }];
}

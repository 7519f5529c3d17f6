"""Dagster's in-process executor: 1,000 ops that do nothing, of one job, with an instance in memory."""

import json
import time

import dagster as dg

TASKS = 1000


def no_op(number):
    @dg.op(name=f"task_{number}")
    def run():
        return None

    return run


OPS = [no_op(number) for number in range(TASKS)]


@dg.job(executor_def=dg.in_process_executor)
def tasks():
    for op in OPS:
        op()


with dg.DagsterInstance.ephemeral() as instance:
    begun = time.perf_counter()
    result = tasks.execute_in_process(instance=instance)
    took = time.perf_counter() - begun
assert result.success
print(json.dumps({"seconds": took, "tasksPerSecond": TASKS / took}))

"""Loads definitions of Dagster, and says what they are; runs their job in this process as often as asked, as the sensor wants it
where it does, and says what became of it.

Usage: dagster_run.py <file> <runs>
"""

import importlib.util
import json
import sys

import dagster as dg


def main(path, runs):
    spec = importlib.util.spec_from_file_location("definitions", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    repository = module.defs.get_repository_def()
    graph = repository.asset_graph
    said = {
        "assets": {
            key.to_user_string(): sorted(parent.to_user_string() for parent in graph.get(key).parent_keys)
            for key in graph.get_all_asset_keys()
        },
        "checks": sorted([check.asset_key.to_user_string(), check.name] for check in graph.asset_check_keys),
        "steps": {
            key.to_user_string(): graph.get(key).metadata["step"]
            for key in graph.get_all_asset_keys()
            if "step" in graph.get(key).metadata
        },
        "schedules": [
            [each.cron_schedule, each.execution_timezone] for each in repository.schedule_defs
        ],
        "asked": [],
        "runs": [],
    }
    sensor = repository.get_sensor_def("flights_sensor")

    def ask(instance):
        requests = sensor.evaluate_tick(dg.build_sensor_context(instance=instance)).run_requests
        said["asked"].append(requests[0].run_key if requests else None)
        return requests[0].tags if requests else {}

    job = module.defs.resolve_job_def("flights")
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(runs):
            result = job.execute_in_process(instance=instance, raise_on_error=False, tags=ask(instance))
            said["runs"].append(
                {
                    "id": result.run_id,
                    "success": result.success,
                    "made": sorted(
                        event.asset_key.to_user_string() for event in result.get_asset_materialization_events()
                    ),
                    "checks": [
                        [each.check_name, each.passed] for each in result.get_asset_check_evaluations()
                    ],
                }
            )
        ask(instance)
    print(json.dumps(said))


main(sys.argv[1], int(sys.argv[2]))

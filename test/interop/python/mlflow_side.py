"""What a real MLflow says of a store, as JSON on the last line."""

import json
import math
import sqlite3
import sys

import mlflow
from mlflow import MlflowClient


def schema(uri):
    """Every statement of the database that MLflow makes, by name, in one way of writing."""
    mlflow.set_tracking_uri(uri)
    MlflowClient().search_experiments()
    database = sqlite3.connect(uri.removeprefix("sqlite:///"))
    return {name: sql for name, sql in database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")}


def number(value):
    return value if math.isfinite(value) else str(value)


def look(uri, experiment, registered):
    """A whole experiment, as MLflow's client lists it."""
    mlflow.set_tracking_uri(uri)
    client = MlflowClient()
    found = client.get_experiment_by_name(experiment)
    runs = []
    for run in client.search_runs([found.experiment_id], order_by=["attributes.start_time ASC"]):
        models = [client.get_logged_model(out.model_id) for out in run.outputs.model_outputs]
        runs.append(
            {
                "id": run.info.run_id,
                "name": run.info.run_name,
                "status": run.info.status,
                "params": run.data.params,
                "tags": run.data.tags,
                "history": {
                    key: [[m.step, number(m.value)] for m in client.get_metric_history(run.info.run_id, key)]
                    for key in run.data.metrics
                },
                "inputs": [
                    {
                        "name": each.dataset.name,
                        "digest": each.dataset.digest,
                        "source_type": each.dataset.source_type,
                        "source": json.loads(each.dataset.source),
                        "schema": json.loads(each.dataset.schema),
                        "tags": {tag.key: tag.value for tag in each.tags},
                    }
                    for each in run.inputs.dataset_inputs
                ],
                "artifacts": [each.path for each in client.list_artifacts(run.info.run_id)],
                "note": mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/notes/a b.txt"),
                "models": [
                    {
                        "id": model.model_id,
                        "name": model.name,
                        "status": str(model.status),
                        "params": model.params,
                        "metrics": {metric.key: metric.value for metric in model.metrics},
                        "tags": model.tags,
                    }
                    for model in models
                ],
            }
        )
    versions = [
        {"version": int(v.version), "run": v.run_id, "status": v.status}
        for v in client.search_model_versions(f"name='{registered}'")
    ]
    champion = client.get_model_version_by_alias(registered, "champion")
    return {"runs": runs, "versions": versions, "champion": int(champion.version)}


def write(uri, run_id):
    """MLflow goes on with a run of ours."""
    mlflow.set_tracking_uri(uri)
    client = MlflowClient()
    client.log_metric(run_id, "theirs", 2.5, step=3)
    client.log_text(run_id, "by MLflow", "theirs.txt")
    client.set_tag(run_id, "theirs", "yes")
    refused = None
    try:
        client.log_param(run_id, "depth", "7")
    except mlflow.MlflowException as error:
        refused = error.error_code
    return {"refused": refused}


def predict(uri, model, rows):
    """By the ONNX flavour and by the generic one. What is missing comes as null."""
    import numpy as np
    import onnxruntime

    mlflow.set_tracking_uri(uri)
    data = np.asarray(rows, dtype=np.float32)
    loaded = mlflow.onnx.load_model(model)
    session = onnxruntime.InferenceSession(loaded.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    values = session.run(names, {session.get_inputs()[0].name: data})
    generic = mlflow.pyfunc.load_model(model).predict(data)
    return {
        "onnx": {name: value.tolist() for name, value in zip(names, values)},
        "pyfunc": {name: np.asarray(value).tolist() for name, value in generic.items()},
    }


if __name__ == "__main__":
    given = json.loads(sys.stdin.read())
    print("\n" + json.dumps(globals()[sys.argv[1]](**given)))

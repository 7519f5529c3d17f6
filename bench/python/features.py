"""The same training as bench/features.ts, on the matrix that it has written, by scikit-learn's gradient boosting."""

import json
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

folder = Path(sys.argv[1])
settings = json.loads(sys.argv[2])


def part(name):
    late = np.fromfile(folder / f"{name}.late", dtype=np.uint8)
    columns = np.fromfile(folder / f"{name}.matrix", dtype=np.float32)
    return columns.reshape(settings["features"], len(late)).T, late


matrix, late = part("train")
asked, came = part("test")
model = HistGradientBoostingClassifier(
    max_iter=settings["rounds"],
    learning_rate=settings["learningRate"],
    max_leaf_nodes=settings["leaves"],
    min_samples_leaf=settings["minRows"],
    early_stopping=False,
)
start = time.perf_counter()
model.fit(matrix, late)
scores = model.decision_function(asked)
area = roc_auc_score(came, scores)
spent = time.perf_counter() - start
print(json.dumps({"trainRows": len(late), "testRows": len(came), "trainSeconds": spent, "auc": area}))

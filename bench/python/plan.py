"""Plans the scans of bench/plan.ts over the table that it has left. Prints one JSON line."""

import json
import time
from pathlib import Path

from pyiceberg.expressions import EqualTo
from pyiceberg.table import StaticTable

root = Path(__file__).resolve().parents[2] / ".cache" / "bench" / "plan-100"
measured = {}
for name, row_filter, files in [
    ("partition", EqualTo("part", 42), 100),
    ("id", EqualTo("id", 420_042), 1),
]:
    for round_ in ["Cold", "Reread", "Cached"]:
        if round_ != "Cached":
            table = StaticTable.from_metadata((root / "location").read_text())
        start = time.perf_counter()
        found = len(list(table.scan(row_filter=row_filter).plan_files()))
        measured[f"{name}{round_}Ms"] = (time.perf_counter() - start) * 1000
        assert found == files, found
print(json.dumps(measured))

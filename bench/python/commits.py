"""The same commits as bench/commits.ts, on PyIceberg's SQLite catalog. Prints one JSON line."""

import json
import tempfile
import time

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog

COMMITS = 150

schema = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("data", pa.string())])
with tempfile.TemporaryDirectory() as directory:
    catalog = SqlCatalog(
        "bench", uri=f"sqlite:///{directory}/catalog.db", warehouse=f"file://{directory}/warehouse"
    )
    catalog.create_namespace("bench")

    def append(name: str, merge: bool) -> tuple[float, float]:
        properties = {"commit.manifest-merge.enabled": str(merge).lower()}
        table = catalog.create_table(f"bench.{name}", schema, properties=properties)
        times = [time.perf_counter()]
        for n in range(COMMITS):
            ids = list(range(n * 10, n * 10 + 10))
            rows = pa.table({"id": ids, "data": [f"row {i}" for i in range(10)]}, schema=schema)
            table.append(rows)
            times.append(time.perf_counter())
        return COMMITS / (times[-1] - times[0]), 50 / (times[-1] - times[COMMITS - 50])

    merging = append("merging", True)
    fast = append("fast", False)
    print(
        json.dumps(
            {
                "mergingPerSecond": merging[0],
                "lastMergingPerSecond": merging[1],
                "fastPerSecond": fast[0],
                "lastFastPerSecond": fast[1],
            }
        )
    )

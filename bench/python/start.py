"""Starts PyIceberg's command, and processes that use it for the first time. Prints one JSON line."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CATALOG = """
import sys, time
from pyiceberg.catalog.sql import SqlCatalog
catalog = SqlCatalog("bench", uri=f"sqlite:///{sys.argv[1]}/catalog.db", warehouse=f"file://{sys.argv[1]}")
"""
OPEN = f"""{CATALOG}
[catalog.list_tables(namespace) for namespace in catalog.list_namespaces()]
"""
APPEND = f"""{CATALOG}
import pyarrow as pa
catalog.create_namespace("bench")
schema = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("name", pa.string(), nullable=False)])
table = catalog.create_table("bench.t", schema)
rows = pa.table({{"id": list(range(1_000)), "name": [f"name {{i}}" for i in range(1_000)]}}, schema=schema)
began = time.perf_counter()
table.append(rows)
print((time.perf_counter() - began) * 1000)
"""
PLAN = """
import sys, time
from pyiceberg.expressions import EqualTo
from pyiceberg.table import StaticTable
table = StaticTable.from_metadata(sys.argv[2])
began = time.perf_counter()
assert len(list(table.scan(row_filter=EqualTo("part", 42)).plan_files())) == 100
print((time.perf_counter() - began) * 1000)
"""


def run(command):
    """Milliseconds of the process, and what it says of itself in its last line."""
    start = time.perf_counter()
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return (time.perf_counter() - start) * 1000, output.strip().split("\n")[-1]


location = (Path(__file__).resolve().parents[2] / ".cache" / "bench" / "plan-100" / "location").read_text()
with tempfile.TemporaryDirectory() as root:
    help_ms, _ = run([str(Path(sys.executable).with_name("pyiceberg")), "--help"])
    open_ms, _ = run([sys.executable, "-c", OPEN, root])
    append_ms, append_within = run([sys.executable, "-c", APPEND, root])
    plan_ms, plan_within = run([sys.executable, "-c", PLAN, root, location])
print(
    json.dumps(
        {
            "helpMs": help_ms,
            "openMs": open_ms,
            "appendMs": append_ms,
            "appendWithinMs": float(append_within),
            "planMs": plan_ms,
            "planWithinMs": float(plan_within),
        }
    )
)

"""Reads ns.t of a REST catalog with PyIceberg, appends a row where it writes that version, and prints what it saw."""

import json
import sys

import pyarrow as pa
from pyiceberg.catalog.rest import RestCatalog

uri, key = sys.argv[1], int(sys.argv[2])
catalog = RestCatalog("lake", uri=uri)
table = catalog.load_table("ns.t")
before = table.scan().to_arrow()
first = table.history()[0].snapshot_id
past = table.scan(snapshot_id=first).to_arrow()
if table.metadata.format_version < 3:
    row = {"k": pa.array([key], pa.int64()), "v": pa.array(["py"])}
    table.append(pa.table(row, schema=table.schema().as_arrow()))
after = catalog.load_table("ns.t").scan().to_arrow()
print(
    json.dumps(
        {
            "before": sorted(before["k"].to_pylist()),
            "past": sorted(past["k"].to_pylist()),
            "after": sorted(after["k"].to_pylist()),
            "files": sorted(path.file.file_path for path in catalog.load_table("ns.t").scan().plan_files()),
        }
    )
)

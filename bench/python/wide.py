"""The wide tables of bench/wide.ts, by PyIceberg with its SQLite catalog. Prints one JSON line."""

import json
import tempfile
import time

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.expressions import EqualTo

ROWS = 20


def column(i: int) -> pa.Array:
    if i % 3 == 0:
        return pa.array([row * 1_000_000 + i for row in range(ROWS)], pa.int64())
    if i % 3 == 1:
        return pa.array([(row + i) / 7 for row in range(ROWS)], pa.float64())
    return pa.array([f"value {row} of {i}" for row in range(ROWS)], pa.string())


def main() -> None:
    found = {}
    for columns in (3_000, 10_000):
        rows = pa.table({f"c{i}": column(i) for i in range(columns)})
        with tempfile.TemporaryDirectory() as directory:
            catalog = SqlCatalog(
                "bench", uri=f"sqlite:///{directory}/catalog.db", warehouse=f"file://{directory}/warehouse"
            )
            catalog.create_namespace("bench")
            warm = catalog.create_table("bench.warm", pa.schema([("c0", pa.int64())]))
            warm.append(pa.table({"c0": pa.array([1], pa.int64())}))

            def measure(what: str, work) -> None:
                start = time.perf_counter()
                work()
                found[f"{what}{columns}Seconds"] = time.perf_counter() - start

            measure("create", lambda: catalog.create_table("bench.wide", rows.schema))
            table = catalog.load_table("bench.wide")
            measure("append", lambda: table.append(rows))
            changed = rows.slice(0, 1).set_column(3, "c3", pa.array([-1], pa.int64()))
            measure("update", lambda: table.overwrite(changed, EqualTo("c0", 0)))
            measure(
                "query",
                lambda: table.scan(row_filter="c3 >= 0", selected_fields=("c1", "c2")).to_arrow(),
            )
            measure("read", lambda: table.scan().to_arrow())
    print(json.dumps(found))


if __name__ == "__main__":
    main()

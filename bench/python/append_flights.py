"""The append of bench/append-flights.ts, by PyIceberg with its SQLite catalog. Prints one JSON line."""

import json
import resource
import tempfile
import time

import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import DayTransform
from pyiceberg.types import LongType, NestedField, StringType, TimestampType

FLIGHTS = "node_modules/vega-datasets/data/flights-3m.parquet"

SCHEMA = Schema(
    NestedField(1, "date", TimestampType()),
    NestedField(2, "delay", LongType()),
    NestedField(3, "distance", LongType()),
    NestedField(4, "origin", StringType()),
    NestedField(5, "destination", StringType()),
)
BY_DAY = PartitionSpec(PartitionField(1, 1000, DayTransform(), "date_day"))


def main() -> None:
    flights = pq.read_table(FLIGHTS)
    with tempfile.TemporaryDirectory() as directory:
        catalog = SqlCatalog(
            "bench", uri=f"sqlite:///{directory}/catalog.db", warehouse=f"file://{directory}/warehouse"
        )
        catalog.create_namespace("bench")
        plain = catalog.create_table("bench.plain", SCHEMA)
        by_day = catalog.create_table("bench.by_day", SCHEMA, partition_spec=BY_DAY)
        start = time.perf_counter()
        plain.append(flights)
        plain_seconds = time.perf_counter() - start
        start = time.perf_counter()
        # PyIceberg does not sort by itself.
        by_day.append(flights.sort_by("origin"))
        by_day_seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"plainSeconds": plain_seconds, "byDaySeconds": by_day_seconds, "peakRssMiB": peak}))


if __name__ == "__main__":
    main()

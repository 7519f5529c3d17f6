"""Reads gold.flight_features by PyIceberg into NumPy: numbers as single precision, NaN where a value is missing, in the order of day and
flight.

Usage: features_read.py <metadata> <features> <repeats> <packages>, where NumPy lies among the packages: PyIceberg's own environment does
without.
"""

import json
import statistics
import sys
import time

sys.path.append(sys.argv[4])

import numpy as np
import pyarrow as pa
from pyiceberg.table import StaticTable

SINGLES = (
    "scheduled_hour",
    "weekday",
    "distance_miles",
    "route_delay_minutes_7d",
    "origin_delay_minutes_7d",
    "arrival_delay_minutes",
)
OTHERS = ("flight_date", "flight_id", "origin", "destination", "is_late")


def read(table):
    """Columns of NumPy, and places as lists of texts, of which each stands once in memory."""
    rows = table.scan(selected_fields=SINGLES + OTHERS).to_arrow().sort_by([("flight_date", "ascending"), ("flight_id", "ascending")])
    columns = {name: rows[name].cast(pa.float32()).to_numpy().astype(np.float32, copy=False) for name in SINGLES}
    columns["day"] = rows["flight_date"].cast(pa.int32()).to_numpy()
    columns["late"] = rows["is_late"].cast(pa.uint8()).to_numpy()
    for name in ("origin", "destination"):
        places = rows[name].combine_chunks().dictionary_encode()
        columns[name] = places.dictionary.to_numpy(zero_copy_only=False)[places.indices.to_numpy()]
    return columns


def main(metadata, features, repeats):
    table = StaticTable.from_metadata(metadata)
    rows = len(read(table)["day"])
    times, processor = [], []
    for _ in range(repeats):
        start, busy = time.perf_counter(), time.process_time()
        read(table)
        times.append(time.perf_counter() - start)
        processor.append(time.process_time() - busy)
    values = rows * features
    print(
        json.dumps(
            {
                "valuesPerSecond": values / statistics.median(times),
                "valuesPerCpuSecond": values / statistics.median(processor),
            }
        )
    )


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))

"""The same commits, appends and queries as bench/ducklake.ts, on DuckLake with its catalog in a DuckDB file."""

import json
import os
import sys
import tempfile
import time

import duckdb
import duckdb_ext

COMMITS = 150
# Before the clock starts, on both sides.
FIRST_COMMITS = 10
REPEATS = 15
flights = sys.argv[1]


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


with tempfile.TemporaryDirectory() as directory:
    lake = duckdb.connect(config={"extension_directory": duckdb_ext.get_extension_dir()})
    lake.execute("LOAD ducklake")
    lake.execute(f"ATTACH 'ducklake:{directory}/catalog.ducklake' AS lake (DATA_PATH '{directory}/data')")
    lake.execute("USE lake")

    lake.execute("CREATE TABLE small (id BIGINT NOT NULL, data VARCHAR)")
    lake.execute("CREATE TABLE durable (id BIGINT NOT NULL, data VARCHAR)")

    def commits(table, count, after=lambda: None):
        for n in range(count):
            rows = [(n * 10 + i, f"row {i}") for i in range(10)]
            values = ", ".join(f"({id}, '{data}')" for id, data in rows)
            lake.execute(f"INSERT INTO {table} VALUES {values}")
            after()

    commits("small", FIRST_COMMITS)
    commits_seconds = seconds(lambda: commits("small", COMMITS))

    # DuckLake flushes its catalog's log, and no data file: after a power cut a commit may name a file without its rows.
    # Here the file and its folder are flushed as well, as all of ours are, if after the commit that names them.
    folder, flushed = f"{directory}/data/main/durable", set()

    def flush(path):
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)

    def flush_new():
        for name in set(os.listdir(folder)) - flushed:
            flush(f"{folder}/{name}")
            flushed.add(name)
        flush(folder)

    commits("durable", FIRST_COMMITS, flush_new)
    durable_seconds = seconds(lambda: commits("durable", COMMITS, flush_new))

    # In memory first, as ours is: reading the source is not what is measured.
    arrow = lake.execute(f"SELECT * FROM read_parquet('{flights}')").fetch_arrow_table()
    lake.execute("CALL lake.set_option('parquet_compression', 'zstd')")
    lake.execute("CREATE TABLE flights AS SELECT * FROM arrow LIMIT 0")
    append_seconds = seconds(lambda: lake.execute("INSERT INTO flights SELECT * FROM arrow"))

    def median_ms(query):
        times = sorted(seconds(lambda: lake.execute(query).fetchall()) for _ in range(REPEATS))
        return times[REPEATS // 2] * 1000

    print(
        json.dumps(
            {
                "commitsPerSecond": COMMITS / commits_seconds,
                "durableCommitsPerSecond": COMMITS / durable_seconds,
                "appendSeconds": append_seconds,
                "aggregateMs": median_ms("SELECT origin, count(*), avg(delay) FROM flights GROUP BY origin"),
                "oneDayMs": median_ms(
                    "SELECT origin, count(*) FROM flights "
                    "WHERE date >= TIMESTAMP '2001-03-01' AND date < TIMESTAMP '2001-03-02' GROUP BY origin"
                ),
                "countMs": median_ms("SELECT count(*) FROM flights"),
            }
        )
    )

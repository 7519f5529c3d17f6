"""The same commits as bench/catalog-commits.ts, on PyIceberg's SQLite catalog. Prints one JSON line."""

import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField, StringType

COMMITS = 200


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        catalog = SqlCatalog(
            "bench", uri=f"sqlite:///{directory}/catalog.db", warehouse=f"file://{directory}/warehouse"
        )
        catalog.create_namespace("bench")
        schema = Schema(
            NestedField(1, "id", LongType(), required=True),
            NestedField(2, "data", StringType(), required=False),
        )
        names = [f"bench.t{n}" for n in range(100)]
        for name in names:
            catalog.create_table(name, schema)

        def write(among: list[str], writers: int, writer: int) -> None:
            tables = {name: catalog.load_table(name) for name in among}
            for n in range(writer, COMMITS, writers):
                table = tables[among[n % len(among)]]
                while True:
                    try:
                        with table.transaction() as transaction:
                            transaction.set_properties({f"writer-{writer}": str(n)})
                        break
                    except CommitFailedException:
                        table.refresh()

        def per_second(among: list[str], writers: int) -> float:
            start = time.perf_counter()
            with ThreadPoolExecutor(writers) as pool:
                for done in [pool.submit(write, among, writers, w) for w in range(writers)]:
                    done.result()
            return COMMITS / (time.perf_counter() - start)

        print(
            json.dumps(
                {
                    "oneTable1": per_second(names[:1], 1),
                    "oneTable8": per_second(names[:1], 8),
                    "hundredTables1": per_second(names, 1),
                    "hundredTables8": per_second(names, 8),
                }
            )
        )


main()

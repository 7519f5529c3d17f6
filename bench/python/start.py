"""Starts PyIceberg's command, and a process that opens its SQLite catalog. Prints one JSON line."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

OPEN = """
import sys
from pyiceberg.catalog.sql import SqlCatalog
catalog = SqlCatalog("bench", uri=f"sqlite:///{sys.argv[1]}/catalog.db", warehouse=f"file://{sys.argv[1]}")
[catalog.list_tables(namespace) for namespace in catalog.list_namespaces()]
"""


def milliseconds(command):
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1000


with tempfile.TemporaryDirectory() as root:
    measured = {
        "helpMs": milliseconds([str(Path(sys.executable).with_name("pyiceberg")), "--help"]),
        "openMs": milliseconds([sys.executable, "-c", OPEN, root]),
    }
print(json.dumps(measured))

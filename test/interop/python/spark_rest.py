"""Spark with its REST catalog on a served catalog: `lake` is on main, `etl` on the branch of that name."""

from protocol import serve
from spark_session import open_session, query, refused, run


def start(uri, credential, folder):
    rest = {"type": "rest", "credential": credential}
    open_session(folder, {"lake": {**rest, "uri": uri}, "etl": {**rest, "uri": f"{uri}/iceberg/etl"}})


serve({f.__name__: f for f in (start, run, query, refused)})

"""DuckDB with its own Iceberg extension, attached to a served catalog as `lake`."""

import json

import duckdb
import duckdb_ext
from protocol import serve

EXTENSIONS = ("httpfs", "avro", "iceberg")

sessions = {}


def connected():
    session = duckdb.connect(config={"extension_directory": duckdb_ext.get_extension_dir()})
    for extension in EXTENSIONS:
        session.execute(f"LOAD {extension}")
    return session


def attach(session, statements):
    """Runs what attaches the catalog, in a session of its own."""
    sessions[session] = connected()
    for statement in statements:
        sessions[session].execute(statement)


def run(session, sql):
    """The rows of a statement, each as a list, or DuckDB's refusal."""
    try:
        rows = sessions[session].execute(sql).fetchall()
    except duckdb.Error as error:
        return {"refused": f"{error}"}
    return {"rows": json.loads(json.dumps(rows, default=str))}


if __name__ == "__main__":
    serve({f.__name__: f for f in (attach, run)})

"""Runs what a served catalog's front page says that PyIceberg and DuckDB attach by."""

import contextlib
import io

from duckdb_engine import connected
from protocol import serve


def pyiceberg(text):
    """What the text prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(text, {})
    return printed.getvalue().strip()


def duckdb(text):
    """The tables that the last statement shows."""
    session = connected()
    # The extension is not downloaded: it came with its package.
    for statement in text.replace("INSTALL iceberg;", "").split(";"):
        if statement.strip():
            session.execute(statement)
    return [row[:3] for row in session.fetchall()]


if __name__ == "__main__":
    serve({f.__name__: f for f in (pyiceberg, duckdb)})

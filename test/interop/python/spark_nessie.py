"""Spark with Nessie's catalog and SQL extensions: `lake` is on a Nessie API, on main."""

from protocol import serve
from spark_session import NESSIE, open_session, query, refused, run


def start(uri, token, warehouse, folder):
    lake = {
        "catalog-impl": "org.apache.iceberg.nessie.NessieCatalog",
        "uri": uri,
        "client-api-version": "2",
        "ref": "main",
        "warehouse": warehouse,
        "authentication.type": "BEARER",
        "authentication.token": token,
    }
    open_session(
        folder,
        {"lake": lake},
        packages=[NESSIE],
        extensions=["org.projectnessie.spark.extensions.NessieSparkSessionExtensions"],
    )


serve({f.__name__: f for f in (start, run, query, refused)})

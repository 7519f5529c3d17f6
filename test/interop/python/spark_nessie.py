"""Spark with Nessie's catalog and SQL extensions: `lake` is on a Nessie API, on main."""

import os

from pyspark.sql import SparkSession

from plain import plain
from protocol import serve

PACKAGES = [
    "org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:1.11.0",
    "org.projectnessie.nessie-integrations:nessie-spark-extensions-3.5_2.12:0.99.0",
]
EXTENSIONS = [
    "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    "org.projectnessie.spark.extensions.NessieSparkSessionExtensions",
]

spark = None


def start(uri, token, warehouse, folder):
    global spark
    home = os.environ["SLH_INTEROP_HOME"]
    settings = {
        "spark.jars.packages": ",".join(PACKAGES),
        "spark.jars.ivy": f"{home}/ivy",
        "spark.sql.extensions": ",".join(EXTENSIONS),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": "-Duser.timezone=UTC",
        "spark.ui.enabled": "false",
        "spark.sql.warehouse.dir": f"{folder}/spark-warehouse",
        "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.lake.catalog-impl": "org.apache.iceberg.nessie.NessieCatalog",
        "spark.sql.catalog.lake.uri": uri,
        "spark.sql.catalog.lake.client-api-version": "2",
        "spark.sql.catalog.lake.ref": "main",
        "spark.sql.catalog.lake.warehouse": warehouse,
        "spark.sql.catalog.lake.authentication.type": "BEARER",
        "spark.sql.catalog.lake.authentication.token": token,
        "spark.sql.catalog.lake.cache-enabled": "false",
    }
    builder = SparkSession.builder.master("local[2]").appName("nessie")
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()


def run(statements):
    for statement in statements:
        spark.sql(statement).collect()


def query(sql):
    return [plain(row.asDict(recursive=True)) for row in spark.sql(sql).collect()]


def refused(sql):
    """What Spark says of a statement that must fail."""
    try:
        spark.sql(sql).collect()
    except Exception as error:
        return str(error)
    raise AssertionError(f"{sql} did not fail")


serve({f.__name__: f for f in (start, run, query, refused)})

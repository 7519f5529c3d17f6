"""A Spark session with the Iceberg runtime, set for few rows, and the statements that tests send to it."""

import os
from pathlib import Path

from pyspark.sql import SparkSession

from plain import plain

RUNTIME, NESSIE, AWS = (Path(__file__).parents[1] / "spark-packages.txt").read_text().split()
EXTENSIONS = "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"

spark = None


def open_session(folder, catalogs, packages=(), extensions=(), jars=()):
    """Opens the process's session, with these settings for its catalogs; packages, extensions and jars beside Iceberg's."""
    global spark
    home = os.environ["SLH_INTEROP_HOME"]
    settings = {
        "spark.jars.packages": ",".join([RUNTIME, *packages]),
        "spark.jars.ivy": f"{home}/ivy",
        "spark.sql.extensions": ",".join([EXTENSIONS, *extensions]),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.adaptive.enabled": "false",
        # For a few rows, compiling a query takes longer than interpreting it.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": "-Duser.timezone=UTC",
        "spark.ui.enabled": "false",
        "spark.sql.warehouse.dir": f"{folder}/spark-warehouse",
    }
    if jars:
        settings["spark.jars"] = ",".join(jars)
    for name, options in catalogs.items():
        settings[f"spark.sql.catalog.{name}"] = "org.apache.iceberg.spark.SparkCatalog"
        for key, value in {"cache-enabled": "false", **options}.items():
            settings[f"spark.sql.catalog.{name}.{key}"] = value
    builder = SparkSession.builder.master("local[2]").appName("interop")
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    return spark


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

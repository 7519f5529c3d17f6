"""Spark with its REST catalog on a served catalog: `lake` is on main, `etl` on the branch of that name."""

import os

from pyspark.sql import SparkSession

from plain import plain
from protocol import serve

RUNTIME = "org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:1.11.0"

spark = None


def start(uri, credential, folder):
    global spark
    home = os.environ["SLH_INTEROP_HOME"]
    settings = {
        "spark.jars.packages": RUNTIME,
        "spark.jars.ivy": f"{home}/ivy",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": "-Duser.timezone=UTC",
        "spark.ui.enabled": "false",
        "spark.sql.warehouse.dir": f"{folder}/spark-warehouse",
    }
    for name, path in {"lake": "", "etl": "/iceberg/etl"}.items():
        catalog = f"spark.sql.catalog.{name}"
        settings[catalog] = "org.apache.iceberg.spark.SparkCatalog"
        settings[f"{catalog}.type"] = "rest"
        settings[f"{catalog}.uri"] = uri + path
        settings[f"{catalog}.credential"] = credential
        settings[f"{catalog}.cache-enabled"] = "false"
    builder = SparkSession.builder.master("local[2]").appName("rest")
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

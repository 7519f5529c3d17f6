"""What pipelines run on Spark. spark-submit starts it; it connects to the process that runs the pipeline, and answers its
calls, a line of JSON each, until that process hangs up."""

import json
import os
import socket
import sys
from datetime import date

from pyspark.java_gateway import ensure_callback_server_started
from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

# What makes a query of the common dialect mean here what it means to DuckDB.
SETTINGS = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.ansi.relationPrecedence": "true",
    "spark.sql.caseSensitive": "false",
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.parser.escapedStringLiterals": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.variable.substitute": "false",
    # Nulls are looked for in the rows: a query's own types seldom say that there are none.
    "spark.sql.iceberg.check-nullability": "false",
}

# Beside their own type, columns take values of these types, none of which is rounded; one that does not fit is an error.
WHOLE = ["tinyint", "smallint", "int", "bigint"]

spark = None
views = []


class Refused(Exception):
    """What is wrong with the rows: the kind of the error, what it is about, why."""

    def __init__(self, kind, subject, why):
        super().__init__(why)
        self.answer = {"kind": kind, "subject": subject, "message": why}


def start(catalog, settings):
    for key, value in {**SETTINGS, **settings}.items():
        spark.conf.set(key, value)
    for key, value in {"": "org.apache.iceberg.spark.SparkCatalog", ".cache-enabled": "false"}.items():
        spark.conf.set(f"spark.sql.catalog.{catalog}{key}", value)
    return spark.version


def remove(table, slices):
    """Deletes the rows of some slices, or all."""
    where = "" if slices is None else f" WHERE {among(table, **slices)}"
    spark.sql(f"DELETE FROM {quoted(*table)}{where}")


def write(table, inputs, query, slices, upsert, summary):
    """Adds the rows of a query, or puts them in the place of those with their key, in one snapshot with this summary."""
    # No query reads what another was given.
    while views:
        spark.catalog.dropTempView(views.pop())
    for each in inputs:
        frame(**each).createTempView(quoted(each["name"]))
        views.append(each["name"])
    rows = conforming(spark.sql(query), spark.table(quoted(*table)).schema)
    if slices is not None:
        rows = rows.where(among(table, **slices))
    if upsert is None:
        writer = rows.writeTo(quoted(*table))
        for key, value in summary.items():
            writer = writer.option(f"snapshot-property.{key}", value)
        writer.append()
    else:
        merge(table, rows, summary=summary, **upsert)


def frame(name, table, options, slices, empty):
    reader = spark.read
    for key, value in options.items():
        reader = reader.option(key, value)
    rows = reader.table(quoted(*table))
    if slices is not None:
        rows = rows.where(among(table, **slices))
    return rows.where(F.lit(False)) if empty else rows


def conforming(rows, schema):
    """The rows with the columns of the table, by name."""
    given = [field.name for field in rows.schema.fields]
    wanted = [field.name for field in schema.fields]
    if sorted(given) != sorted(wanted):
        raise Refused("mismatch", "columns", f"The query gives the columns {given}, and the table has {wanted}.")
    return rows.select(*[fitting(rows.schema[field.name], field) for field in schema.fields])


def fitting(given, wanted):
    column = F.col(quoted(given.name))
    here, there = given.dataType.simpleString(), wanted.dataType.simpleString()
    if here == there:
        return column
    widens = here == "float" and there == "double" or here == "void"
    if here in WHOLE and there in WHOLE or widens or of_more_digits(given.dataType, wanted.dataType):
        return column.cast(wanted.dataType).alias(given.name)
    why = f"The query gives {given.name} as {here}, and the column of the table is {there}."
    raise Refused("mismatch", given.name, why)


def of_more_digits(given, wanted):
    decimals = isinstance(given, T.DecimalType) and isinstance(wanted, T.DecimalType)
    return decimals and given.scale <= wanted.scale


def merge(table, rows, keys, newest, summary):
    required = [field.name for field in spark.table(quoted(*table)).schema.fields if not field.nullable]
    # Asked once: it may say something else the next time.
    rows = rows.localCheckpoint()
    for column in dict.fromkeys([*keys, *required]):
        if not rows.where(F.col(quoted(column)).isNull()).isEmpty():
            raise Refused("null", column, f"Rows to be merged have no value for the column {column}.")
    by = [F.col(quoted(key)) for key in keys]
    if newest is not None:
        newest_first = Window.partitionBy(*by).orderBy(F.col(quoted(newest)).desc_nulls_last())
        rank = quoted("(rank)")
        rows = rows.withColumn("(rank)", F.rank().over(newest_first)).where(f"{rank} = 1").drop("(rank)").distinct()
    twice = rows.groupBy(*by).count().where("count > 1").limit(1).collect()
    if twice:
        key = ", ".join(f"{name}={twice[0][name]}" for name in keys)
        tie = "" if newest is None else f", and none is newer than the other by {newest}"
        raise Refused("key", key, f"Several rows to be merged have the key {key}{tie}.")
    rows.createOrReplaceTempView(quoted("(rows)"))
    on = " AND ".join(f"t.{quoted(key)} = s.{quoted(key)}" for key in keys)
    same = " AND ".join(f"t.{quoted(column)} <=> s.{quoted(column)}" for column in rows.columns)
    counts = f"NOT ({same})" if newest is None else f"s.{quoted(newest)} > t.{quoted(newest)}"
    statement = (
        f"MERGE INTO {quoted(*table)} AS t USING {quoted('(rows)')} AS s ON {on}"
        f" WHEN MATCHED AND {counts} THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )
    committing(summary, lambda: spark.sql(statement))


def committing(summary, work):
    """Has the commits of some work say this in their summaries. A MERGE has no options to say it by."""
    gateway, jvm = spark.sparkContext._gateway, spark.sparkContext._jvm
    ensure_callback_server_started(gateway)
    properties = jvm.java.util.HashMap()
    for key, value in summary.items():
        properties.put(key, value)
    exceptions = jvm.java.lang.Class.forName("java.lang.RuntimeException")
    jvm.org.apache.iceberg.spark.CommitMetadata.withCommitProperties(properties, Work(work), exceptions)


class Work:
    """A java.util.concurrent.Callable."""

    def __init__(self, work):
        self.work = work

    def call(self):
        self.work()

    class Java:
        implements = ["java.util.concurrent.Callable"]


def among(table, column, values):
    """A condition for rows of some slices."""
    kind = spark.table(quoted(*table)).schema[column].dataType.simpleString()
    listed = ", ".join(literal(value, kind) for value in values)
    return f"{quoted(column)} IN ({listed})"


def literal(value, kind):
    """A value, given as text, as a constant that no text can break out of."""
    if kind == "date":
        return f"DATE'{date.fromisoformat(value)}'"
    if kind in WHOLE:
        return f"CAST({int(value)} AS {kind})"
    return f"CAST(CAST(X'{value.encode().hex()}' AS STRING) AS {kind})"


def quoted(*names):
    return ".".join("`" + name.replace("`", "``") + "`" for name in names)


CALLS = {call.__name__: call for call in (start, remove, write)}


def answer(line):
    given = json.loads(line)
    try:
        return {"result": CALLS[given["call"]](**given["arguments"])}
    except Refused as refused:
        return {"error": refused.answer}
    except Exception as error:
        return {"error": {"kind": "failed", "subject": "Spark", "message": str(error)[:4000]}}


def main():
    global spark
    with socket.create_connection(("127.0.0.1", int(os.environ["SLH_SPARK_PORT"]))) as connection:
        lines = connection.makefile("rw", encoding="utf-8", newline="\n")
        print(os.environ["SLH_SPARK_SECRET"], file=lines, flush=True)
        spark = SparkSession.builder.appName("sololakehouse").getOrCreate()
        for line in lines:
            print(json.dumps(answer(line)), file=lines, flush=True)
    spark.stop()


if __name__ == "__main__":
    sys.exit(main())

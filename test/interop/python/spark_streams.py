"""Structured Streaming: a query from a topic of a Kafka server into a table of a REST catalog, `lake`."""

import spark_session
from protocol import serve

query = None


def start(uri, folder, jars):
    spark_session.open_session(folder, {"lake": {"type": "rest", "uri": uri}}, jars=jars)


def follow(bootstrap, topic, table, checkpoint):
    """Begins the query, or goes on with it where its checkpoint says."""
    global query
    options = {
        "kafka.bootstrap.servers": bootstrap,
        "kafka.isolation.level": "read_committed",
        "subscribe": topic,
        "startingOffsets": "earliest",
        "maxOffsetsPerTrigger": "20",
    }
    records = spark_session.spark.readStream.format("kafka").options(**options).load()
    rows = records.selectExpr(
        "partition as part", "offset as pos", "cast(key as string) as key", "cast(value as string) as value"
    )
    query = rows.writeStream.format("iceberg").option("checkpointLocation", checkpoint).toTable(table)


def settle():
    """Waits until all that is there now is in the table, ends the query, and says which batches it did."""
    query.processAllAvailable()
    query.stop()
    return [progress["batchId"] for progress in query.recentProgress if progress["numInputRows"] > 0]


def crash():
    """Spark ends where it is, as by kill -9."""
    java = spark_session.spark.sparkContext._gateway.proc
    java.kill()
    java.wait()


serve({f.__name__: f for f in (start, follow, settle, crash)})

"""What the tests ask of Spark with the Iceberg runtime: the reference implementation, in Java."""

import json

import pyarrow as pa

from plain import arrow_rows, plain
from protocol import serve
from spark_session import open_session, run

STATUS = {0: "existing", 1: "added", 2: "deleted"}
CONTENT = {0: "data", 1: "position-deletes", 2: "equality-deletes"}

# Its readable metrics fail on columns of type uuid.
ENTRY = ["status", "snapshot_id", "sequence_number", "file_sequence_number", "data_file"]

spark = None


def start(folder):
    """A session whose catalog `lake` has the tables of the folder's warehouse, as they are on disk at each query."""
    global spark
    spark = open_session(folder, {"lake": {"type": "hadoop", "warehouse": f"file://{folder}/warehouse"}})


def query(sql):
    return rows_of(spark.sql(sql))


def view(name):
    """A table as Spark sees it: rows, schema and every manifest entry."""
    table = spark._jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, name)
    schema = spark._jvm.org.apache.iceberg.SchemaParser.toJson(table.schema())
    return {
        "rows": rows_of(spark.table(name)),
        "schema": json.loads(schema),
        "entries": [entry_of(row) for row in spark.table(f"{name}.entries").select(*ENTRY).collect()],
    }


def plan(name, filters):
    """The data files that the reference plans to read for each filter of one operator, column and value."""
    table = spark._jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, name)
    build = spark._jvm.org.apache.iceberg.expressions.Expressions
    planned = []
    for each in filters:
        value = each["value"]
        if each["binary"]:
            value = spark._jvm.java.nio.ByteBuffer.wrap(bytes.fromhex(value))
        elif table.schema().findType(each["column"]).toString() in ("int", "long"):
            value = spark._jvm.java.lang.Long.valueOf(str(value))
        expression = getattr(build, each["operator"])(each["column"], value)
        tasks = iterated(table.newScan().filter(expression).planFiles())
        planned.append([task.file().location() for task in tasks])
    return planned


def expressions(name, filters):
    """Filters as Java writes them, read from the REST catalog's JSON, for the columns of a table."""
    jvm = spark._jvm
    table = jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, name)
    parser = jvm.org.apache.iceberg.expressions.ExpressionParser
    return [parser.toJson(parser.fromJson(each, table.schema())) for each in filters]


def statistics(name):
    """The statistics files of a table as Java reads them: what metadata says, and the blobs that Puffin files hold."""
    jvm = spark._jvm
    table = jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, name)
    found = []
    for file in table.statisticsFiles():
        reader = jvm.org.apache.iceberg.puffin.Puffin.read(table.io().newInputFile(file.path())).build()
        blobs = reader.fileMetadata().blobs()
        pairs = iterated(reader.readAll(blobs))
        found.append(
            {
                "snapshotId": str(file.snapshotId()),
                "metadata": [[blob.type(), list(blob.fields()), dict(blob.properties())] for blob in file.blobMetadata()],
                "blobs": [[pair.first().type(), list(pair.first().inputFields()), pair.second().remaining()] for pair in pairs],
            }
        )
        reader.close()
    return found


def iterated(iterable):
    found, iterator = [], iterable.iterator()
    while iterator.hasNext():
        found.append(iterator.next())
    return found


def rows_of(frame):
    batches = frame._collect_as_arrow()
    return arrow_rows(pa.Table.from_batches(batches)) if batches else []


def entry_of(row):
    file = row["data_file"]
    return {
        "status": STATUS[row["status"]],
        "snapshotId": str(row["snapshot_id"]),
        "sequenceNumber": row["sequence_number"],
        "fileSequenceNumber": row["file_sequence_number"],
        "content": CONTENT[file["content"]],
        "filePath": file["file_path"],
        "specId": file["spec_id"],
        "recordCount": file["record_count"],
        "fileSizeInBytes": file["file_size_in_bytes"],
        "columnSizes": by_id(file["column_sizes"]),
        "valueCounts": by_id(file["value_counts"]),
        "nullValueCounts": by_id(file["null_value_counts"]),
        "nanValueCounts": by_id(file["nan_value_counts"]),
        "lowerBounds": by_id(file["lower_bounds"]),
        "upperBounds": by_id(file["upper_bounds"]),
        "splitOffsets": plain(file["split_offsets"]),
        "sortOrderId": file["sort_order_id"],
    }


def by_id(metrics):
    return {str(key): plain(value) for key, value in sorted((metrics or {}).items())}


serve({f.__name__: f for f in (start, run, query, view, plan, expressions, statistics)})

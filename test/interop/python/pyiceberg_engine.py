"""What the tests ask of PyIceberg, fastavro, pyarrow and DuckDB."""

import json

import duckdb
import fastavro
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.conversions import to_bytes
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.manifest import DataFileContent, ManifestEntryStatus
from pyiceberg.table import StaticTable

import pyiceberg_writes
from plain import arrow_rows, plain
from protocol import serve


def read(metadata_location):
    """A table as PyIceberg sees it: its rows, schema, partition spec, and every manifest entry."""
    return view(StaticTable.from_metadata(metadata_location))


def view(table):
    return {
        "metadataLocation": table.metadata_location,
        "rows": arrow_rows(table.scan().to_arrow()),
        "schema": json.loads(table.schema().model_dump_json()),
        "spec": json.loads(table.spec().model_dump_json()),
        "entries": entries(table),
    }


def checksums(paths):
    """How many rows each Parquet file has, its pages held against their checksums; text where one is wrong."""
    return [checked_rows(path) for path in paths]


def checked_rows(path):
    try:
        return pq.ParquetFile(path, page_checksum_verification=True).read().num_rows
    except OSError as error:
        return str(error)


def rows_at(metadata_location, snapshot_id):
    return arrow_rows(StaticTable.from_metadata(metadata_location).scan(snapshot_id=int(snapshot_id)).to_arrow())


def entries(table):
    snapshot = table.current_snapshot()
    manifests = [] if snapshot is None else snapshot.manifests(table.io)
    return [
        entry_of(table, entry)
        for manifest in manifests
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=False)
    ]


def entry_of(table, entry):
    file = entry.data_file
    partition_type = table.specs()[file.spec_id].partition_type(table.schema())
    return {
        "status": ManifestEntryStatus(entry.status).name.lower(),
        "snapshotId": str(entry.snapshot_id),
        "sequenceNumber": entry.sequence_number,
        "fileSequenceNumber": entry.file_sequence_number,
        "content": DataFileContent(file.content).name.lower().replace("_", "-"),
        "filePath": file.file_path,
        "specId": file.spec_id,
        "partition": [
            None if value is None else to_bytes(field.field_type, value).hex()
            for field, value in zip(partition_type.fields, file.partition)
        ],
        "recordCount": file.record_count,
        "fileSizeInBytes": file.file_size_in_bytes,
        "columnSizes": by_id(file.column_sizes),
        "valueCounts": by_id(file.value_counts),
        "nullValueCounts": by_id(file.null_value_counts),
        "nanValueCounts": by_id(file.nan_value_counts),
        "lowerBounds": by_id(file.lower_bounds),
        "upperBounds": by_id(file.upper_bounds),
        "splitOffsets": file.split_offsets,
        "sortOrderId": file.sort_order_id,
    }


def by_id(metrics):
    return {str(key): plain(value) for key, value in sorted((metrics or {}).items())}


def statistics(metadata_location):
    """The metrics of every live data file as PyIceberg would have written them, from the Parquet files alone."""
    table = StaticTable.from_metadata(metadata_location)
    plan = compute_statistics_plan(table.schema(), table.properties)
    mapping = parquet_path_to_id_mapping(table.schema())
    result = {}
    for task in table.scan().plan_files():
        metadata = pq.read_metadata(local(task.file.file_path))
        found = data_file_statistics_from_parquet_metadata(metadata, plan, mapping).to_serialized_dict()
        result[task.file.file_path] = {
            "recordCount": found["record_count"],
            "columnSizes": by_id(found["column_sizes"]),
            "valueCounts": by_id(found["value_counts"]),
            "nullValueCounts": by_id(found["null_value_counts"]),
            "lowerBounds": by_id(found["lower_bounds"]),
            "upperBounds": by_id(found["upper_bounds"]),
            "splitOffsets": found["split_offsets"],
        }
    return result


def avro_files(paths):
    """Every Avro file's schema and key-value metadata as written, and how many records it has."""
    result = []
    for path in paths:
        with open(local(path), "rb") as file:
            reader = fastavro.reader(file)
            result.append({"schema": reader.writer_schema, "metadata": reader.metadata, "records": len(list(reader))})
    return result


def parquet_files(paths):
    """Field ids by dotted path as pyarrow reads them, and the number of rows as DuckDB counts them."""
    result = []
    for path in paths:
        ids = {}
        collect_ids(pq.read_schema(local(path)), "", ids)
        [(rows,)] = duckdb.execute("SELECT count(*) FROM read_parquet(?)", [local(path)]).fetchall()
        result.append({"fieldIds": ids, "rows": rows})
    return result


def collect_ids(fields, prefix, ids):
    for field in fields:
        name = prefix + field.name
        ids[name] = int((field.metadata or {}).get(b"PARQUET:field_id", -1))
        if field.type.num_fields > 0:
            children = [field.type.field(i) for i in range(field.type.num_fields)]
            is_map = "map<" in str(field.type) and str(field.type).startswith("map")
            nested = [field.type.key_field, field.type.item_field] if is_map else children
            collect_ids(nested, f"{name}.", ids)


def duckdb_rows(paths, columns):
    """Rows of plain columns as DuckDB reads them from data files, without any help of ours."""
    names = ", ".join(f'"{name}"' for name in columns)
    return arrow_rows(duckdb.execute(f"SELECT {names} FROM read_parquet(?)", [[local(p) for p in paths]]).fetch_arrow_table())


def local(uri):
    return uri.removeprefix("file://")


def catalog(folder):
    result = SqlCatalog("interop", uri=f"sqlite:///{folder}/pyiceberg.db", warehouse=f"file://{folder}/warehouse")
    result.create_namespace_if_not_exists("db")
    return result


def register(folder, name, metadata_location):
    into = catalog(folder)
    if into.table_exists(f"db.{name}"):
        into.drop_table(f"db.{name}")
    return into.register_table(f"db.{name}", metadata_location)


def write_on_top(folder, name, metadata_location, steps):
    """Runs the named steps of pyiceberg_writes on a table that others have written."""
    table = register(folder, name, metadata_location)
    for step in steps:
        getattr(pyiceberg_writes, step)(table)
        table = table.refresh()
    return view(table)


def write_zoo(folder):
    """PyIceberg's own tables, by name."""
    into = catalog(folder)
    return {name: view(make(into)) for name, make in pyiceberg_writes.ZOO.items()}


serve({f.__name__: f for f in (read, rows_at, statistics, checksums, avro_files, parquet_files, duckdb_rows, write_on_top, write_zoo)})

"""Manifests and manifest lists as BigQuery writes them, made of ours by an Avro writer of another project."""

import fastavro

from protocol import serve

# Values of logical types come as they are stored, and are stored so again.
fastavro.read.LOGICAL_READERS.clear()


def nullable(schema):
    """Every field and element nullable, no ids, no logical types, maps as arrays of nullable records."""
    if isinstance(schema, list):
        return ["null", nullable(next(branch for branch in schema if branch != "null"))[1]]
    if isinstance(schema, str):
        return ["null", schema]
    kind = schema["type"]
    if kind == "record":
        fields = [{"name": field["name"], "type": nullable(field["type"])} for field in schema["fields"]]
        return ["null", {"type": "record", "name": schema["name"], "fields": fields}]
    if kind == "array":
        return ["null", {"type": "array", "items": nullable(schema["items"])}]
    if kind == "fixed":
        return ["null", {"type": "fixed", "name": schema["name"], "size": schema["size"]}]
    return nullable(kind)


def rewrite(paths):
    """Rewrites Avro files in place; the header has the schema alone."""
    for path in paths:
        with open(path, "rb") as file:
            reader = fastavro.reader(file)
            _, wide = nullable(reader.writer_schema)
            records = list(reader)
        with open(path, "wb") as file:
            fastavro.writer(file, fastavro.parse_schema(wide), records, codec="deflate")
    return len(paths)


serve({"rewrite": rewrite})

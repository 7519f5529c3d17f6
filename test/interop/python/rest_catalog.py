"""Drives a served catalog through PyIceberg's REST client: argv is the URI, the step and the client options."""

import json
import sys

import pyarrow as pa
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NamespaceNotEmptyError,
    NoSuchNamespaceError,
    NoSuchTableError,
    NoSuchViewError,
    TableAlreadyExistsError,
)
from pyiceberg.expressions import EqualTo
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import DoubleType, LongType, NestedField, StringType

uri, step = sys.argv[1], sys.argv[2]
options = json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}
catalog = RestCatalog("served", uri=uri, **options)

schema = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "origin", StringType(), required=False),
)
arrow = schema.as_arrow()


def rows(*ids):
    return pa.Table.from_pylist([{"id": n, "origin": "ATL" if n % 2 else "JFK"} for n in ids], schema=arrow)


def refused(error, work):
    try:
        work()
    except error:
        return
    raise AssertionError(f"{error.__name__} was not raised")


def write():
    catalog.create_namespace("py", {"owner": "ada"})
    refused(NamespaceAlreadyExistsError, lambda: catalog.create_namespace("py"))
    catalog.create_namespace(("py", "deep"))
    assert catalog.list_namespaces("py") == [("py", "deep")], catalog.list_namespaces("py")
    catalog.update_namespace_properties("py", removals={"owner"}, updates={"layer": "bronze"})
    assert catalog.load_namespace_properties("py")["layer"] == "bronze"

    spec = PartitionSpec(PartitionField(source_id=2, field_id=1000, transform=IdentityTransform(), name="origin"))
    table = catalog.create_table("py.flights", schema, partition_spec=spec, properties={"a": "1"})
    refused(TableAlreadyExistsError, lambda: catalog.create_table("py.flights", schema))
    table.append(rows(1, 2, 3))
    table.append(rows(4))
    stale = catalog.load_table("py.flights")
    with table.update_schema() as update:
        update.add_column("delay", DoubleType())
        update.rename_column("id", "flight")
    table.append(pa.Table.from_pylist([{"flight": 5, "origin": "ATL", "delay": 1.5}], schema=table.schema().as_arrow()))
    table.delete(EqualTo("origin", "JFK"))

    def change_stale():
        with stale.update_schema() as update:
            update.add_column("other", LongType())

    refused(CommitFailedException, change_stale)
    with table.transaction() as transaction:
        transaction.set_properties(b="2")
        transaction.append(pa.Table.from_pylist([{"flight": 7, "origin": "SEA", "delay": None}], schema=table.schema().as_arrow()))

    with catalog.create_table_transaction("py.staged", schema) as transaction:
        transaction.append(rows(1))
    assert len(catalog.load_table("py.staged").scan().to_arrow()) == 1

    catalog.create_table(("py", "deep", "a.b/c d"), schema).append(rows(9))
    assert catalog.table_exists(("py", "deep", "a.b/c d"))
    catalog.rename_table("py.staged", "py.deep.renamed")
    assert catalog.table_exists("py.deep.renamed") and not catalog.table_exists("py.staged")
    location = catalog.load_table("py.deep.renamed").metadata_location
    catalog.drop_table("py.deep.renamed")
    refused(NoSuchTableError, lambda: catalog.load_table("py.deep.renamed"))
    catalog.register_table("py.registered", location)
    assert len(catalog.load_table("py.registered").scan().to_arrow()) == 1
    catalog.purge_table("py.registered")
    refused(NamespaceNotEmptyError, lambda: catalog.drop_namespace("py"))
    refused(NoSuchNamespaceError, lambda: catalog.drop_namespace("nope"))
    refused(NoSuchViewError, lambda: catalog.drop_view("py.nope"))
    assert sorted(catalog.list_tables("py")) == [("py", "flights")], catalog.list_tables("py")


def read():
    table = catalog.load_table("py.flights")
    found = table.scan().to_arrow().sort_by("flight" if "flight" in table.schema().column_names else "id")
    print(json.dumps({"rows": found.to_pylist(), "columns": table.schema().column_names}))


def append():
    table = catalog.load_table("py.flights")
    table.append(pa.Table.from_pylist([{"flight": 100, "origin": "BOS", "delay": 0.5}], schema=table.schema().as_arrow()))
    catalog.create_table("py.only_here", schema).append(rows(1))


def views():
    print(json.dumps({"views": catalog.list_views("py"), "exists": catalog.view_exists("py.late")}))
    catalog.drop_view("py.late")


{"write": write, "read": read, "append": append, "views": views}[step]()

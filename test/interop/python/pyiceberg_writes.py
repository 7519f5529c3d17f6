"""Tables as PyIceberg writes them."""

import datetime
import decimal
import uuid

import pyarrow as pa
from pyiceberg.expressions import EqualTo, GreaterThanOrEqual
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import BucketTransform, DayTransform, IdentityTransform, MonthTransform, TruncateTransform
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FixedType,
    FloatType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
    TimeType,
    UUIDType,
)

UTC = datetime.timezone.utc


def append_row(table, **values):
    fields = table.schema().as_arrow()
    rows = [{field.name: values.get(field.name) for field in fields}]
    table.append(pa.Table.from_pylist(rows, schema=fields))


def rows_of(table, rows):
    return pa.Table.from_pylist(rows, schema=table.schema().as_arrow())


def types(into):
    schema = Schema(
        NestedField(1, "id", LongType(), required=True),
        NestedField(2, "flag", BooleanType()),
        NestedField(3, "i", IntegerType()),
        NestedField(4, "f", FloatType()),
        NestedField(5, "d", DoubleType()),
        NestedField(6, "small", DecimalType(4, 2)),
        NestedField(7, "medium", DecimalType(18, 3)),
        NestedField(8, "large", DecimalType(38, 10)),
        NestedField(9, "day", DateType()),
        NestedField(10, "clock", TimeType()),
        NestedField(11, "ts", TimestampType()),
        NestedField(12, "instant", TimestamptzType()),
        NestedField(13, "text", StringType()),
        NestedField(14, "key", UUIDType()),
        NestedField(15, "three", FixedType(3)),
        NestedField(16, "bytes", BinaryType()),
    )
    table = into.create_table("db.types", schema)
    moment = datetime.datetime(2024, 3, 1, 13, 33, 20, 123456)
    table.append(
        rows_of(
            table,
            [
                {
                    "id": 1,
                    "flag": True,
                    "i": -(2**31),
                    "f": 0.1,
                    "d": float("nan"),
                    "small": decimal.Decimal("-12.34"),
                    "medium": decimal.Decimal("123456789012345.678"),
                    "large": decimal.Decimal("-1234567890123456789012345678.0123456789"),
                    "day": datetime.date(1969, 12, 31),
                    "clock": datetime.time(23, 59, 59, 999999),
                    "ts": moment,
                    "instant": moment.replace(tzinfo=UTC),
                    "text": "Zürich 🛫",
                    "key": uuid.UUID("f79c3e09-677c-4bbd-a479-3f349cb785e7").bytes,
                    "three": b"\x00\x01\xff",
                    "bytes": b"",
                },
                {"id": 2**62},
            ],
        )
    )
    return table


def nested(into):
    schema = Schema(
        NestedField(1, "id", LongType(), required=True),
        NestedField(2, "tags", ListType(10, StringType(), element_required=False)),
        NestedField(
            3,
            "place",
            StructType(
                NestedField(11, "city", StringType()),
                NestedField(12, "at", StructType(NestedField(13, "x", DoubleType()), NestedField(14, "y", DoubleType()))),
            ),
        ),
        NestedField(4, "counts", MapType(15, StringType(), 16, IntegerType(), value_required=False)),
        NestedField(5, "points", ListType(17, StructType(NestedField(18, "x", IntegerType())), element_required=False)),
    )
    table = into.create_table("db.nested", schema)
    table.append(
        rows_of(
            table,
            [
                {
                    "id": 1,
                    "tags": ["a", None, ""],
                    "place": {"city": "Bern", "at": {"x": 7.4, "y": None}},
                    "counts": [("a", 1), ("b", None)],
                    "points": [{"x": 1}, None],
                },
                {"id": 2, "tags": [], "place": {"city": None, "at": None}, "counts": [], "points": []},
                {"id": 3},
            ],
        )
    )
    with table.update_schema() as update:
        update.add_column(("place", "country"), StringType())
        update.rename_column("place.city", "town")
        update.add_column(("points", "y"), IntegerType())
    append_row(table, id=4, place={"town": "Thun", "at": None, "country": "CH"}, points=[{"x": 3, "y": 4}])
    return table


def partitioned(into):
    schema = Schema(
        NestedField(1, "id", LongType(), required=True),
        NestedField(2, "origin", StringType()),
        NestedField(3, "at", TimestampType()),
        NestedField(4, "delay", IntegerType()),
    )
    spec = PartitionSpec(
        PartitionField(1, 1000, BucketTransform(4), "id_bucket"),
        PartitionField(2, 1001, IdentityTransform(), "origin"),
        PartitionField(3, 1002, DayTransform(), "at_day"),
        PartitionField(4, 1003, TruncateTransform(20), "delay_trunc"),
    )
    table = into.create_table("db.partitioned", schema, partition_spec=spec)
    origins = ["ATL", "New York/JFK", "50%", "", None, "São Paulo"]
    table.append(
        rows_of(
            table,
            [
                {
                    "id": i,
                    "origin": origins[i % len(origins)],
                    "at": None if i % 7 == 0 else datetime.datetime(2001, 1, 1 + i % 3, i % 24),
                    "delay": i - 10,
                }
                for i in range(40)
            ],
        )
    )
    table.delete(GreaterThanOrEqual("delay", 25))
    table.overwrite(
        rows_of(table, [{"id": 100, "origin": "ATL", "at": datetime.datetime(2001, 1, 1, 5), "delay": 0}]),
        overwrite_filter=EqualTo("origin", "ATL"),
    )
    return table


def evolved(into):
    schema = Schema(
        NestedField(1, "id", IntegerType(), required=True),
        NestedField(2, "origin", StringType()),
        NestedField(3, "at", TimestampType()),
        NestedField(4, "gone", StringType()),
        NestedField(5, "price", DecimalType(9, 2)),
        NestedField(6, "ratio", FloatType()),
    )
    table = into.create_table("db.evolved", schema)
    append_row(
        table,
        id=1,
        origin="ATL",
        at=datetime.datetime(2001, 1, 1),
        gone="x",
        price=decimal.Decimal("1.25"),
        ratio=0.5,
    )
    with table.update_schema() as update:
        update.update_column("id", LongType())
        update.update_column("ratio", DoubleType())
        update.update_column("price", DecimalType(20, 2))
        update.delete_column("gone")
        update.rename_column("origin", "departure")
        update.add_column("note", StringType())
        update.move_first("note")
    with table.update_spec() as update:
        update.add_field("at", MonthTransform(), "at_month")
    append_row(
        table,
        id=2**40,
        departure="JFK",
        at=datetime.datetime(2001, 2, 3),
        note="new",
        price=decimal.Decimal("123456789012345678.99"),
        ratio=0.1,
    )
    with table.update_schema() as update:
        update.add_column("gone", LongType())
    with table.update_spec() as update:
        update.remove_field("at_month")
        update.add_field("departure", IdentityTransform(), "departure")
    append_row(table, id=3, departure=None, at=None, gone=7)
    return table


def version1(into):
    schema = Schema(NestedField(1, "id", LongType(), required=True), NestedField(2, "text", StringType()))
    table = into.create_table("db.version1", schema, properties={"format-version": "1"})
    append_row(table, id=1, text="a")
    append_row(table, id=2, text=None)
    table.delete(EqualTo("id", 1))
    return table


def empty(into):
    return into.create_table("db.empty", Schema(NestedField(1, "id", LongType(), required=True)))


ZOO = {f.__name__: f for f in (types, nested, partitioned, evolved, version1, empty)}


def append_nulls(table):
    """A row of nulls, but for the id."""
    append_row(table, id=1000)


def append_flight(table):
    append_row(table, id=9000, date=datetime.datetime(2001, 1, 2, 3), origin="ATL", delay=-1)


def delete_first(table):
    table.delete(EqualTo("id", 1))


def add_column(table):
    with table.update_schema() as update:
        update.add_column("added", StringType())
    append_row(table, id=1001, added="by another")

"""Values as JSON, the same from every engine: whole numbers beyond 2^53, decimals, dates and times as text, bytes as
hex, maps as lists of pairs, and text for what JSON has no number for (NaN, infinity)."""

import datetime
import decimal
import math
import uuid

import pyarrow as pa

EPOCH = datetime.date(1970, 1, 1)
DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}


def plain(value):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if abs(value) <= 2**53 - 1 else str(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime.datetime):
        zone = "" if value.tzinfo is None else "+00:00"
        local = value if value.tzinfo is None else value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return local.isoformat(timespec="microseconds") + zone
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.time):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    raise TypeError(f"no JSON for {type(value)}: {value!r}")


def plain_arrow(scalar):
    """One value of an Arrow array: to the nanosecond, and maps apart from lists."""
    kind = scalar.type
    if not scalar.is_valid:
        return None
    if pa.types.is_struct(kind):
        return {field.name: plain_arrow(scalar[i]) for i, field in enumerate(kind)}
    if pa.types.is_map(kind):
        return [[plain_arrow(entry["key"]), plain_arrow(entry["value"])] for entry in scalar.values]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [plain_arrow(each) for each in scalar.values]
    if pa.types.is_timestamp(kind):
        return timestamp_text(scalar.value, DIGITS[kind.unit]) + ("" if kind.tz is None else "+00:00")
    return plain(scalar.as_py())


def timestamp_text(value, digits):
    per_second = 10**digits
    seconds, fraction = divmod(value, per_second)
    days, second = divmod(seconds, 86_400)
    clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    return f"{EPOCH + datetime.timedelta(days)}T{clock}.{fraction:0{digits}}"


def arrow_rows(table):
    columns = {name: table.column(name) for name in table.column_names}
    return [{name: plain_arrow(column[row]) for name, column in columns.items()} for row in range(table.num_rows)]

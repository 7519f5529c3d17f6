"""Record batches as a Kafka client that we did not write makes and reads them."""

from kafka.partitioner.default import murmur2
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from kafka_records import content, headers, shown
from protocol import serve

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


def read(batch):
    decoded = DefaultRecordBatch(bytearray.fromhex(batch))
    assert decoded.validate_crc(), "the checksum is wrong"
    return [shown(each.offset, each.timestamp, each.key, each.value, each.headers) for each in decoded]


def write(records, codec):
    builder = DefaultRecordBatchBuilder(2, CODECS[codec], False, -1, -1, -1, 16 * 1024 * 1024)
    for offset, record in enumerate(records):
        key, value = content(record["key"]), content(record["value"])
        builder.append(offset, record["timestamp"], key, value, headers(record))
    return bytes(builder.build()).hex()


def partitions(keys, count):
    return [(murmur2(bytes.fromhex(key)) & 0x7FFFFFFF) % count for key in keys]


serve({"partitions": partitions, "read": read, "write": write})

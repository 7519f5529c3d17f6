"""Record batches as a Kafka client that we did not write makes and reads them."""

from kafka.partitioner.default import murmur2
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from protocol import serve

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


def plain(content):
    return None if content is None else bytes(content).hex()


def content(text):
    return None if text is None else bytes.fromhex(text)


def read(batch):
    decoded = DefaultRecordBatch(bytearray.fromhex(batch))
    assert decoded.validate_crc(), "the checksum is wrong"
    return [
        {
            "offset": record.offset,
            "timestamp": record.timestamp,
            "key": plain(record.key),
            "value": plain(record.value),
            "headers": [[key, plain(value)] for key, value in record.headers],
        }
        for record in decoded
    ]


def write(records, codec):
    builder = DefaultRecordBatchBuilder(2, CODECS[codec], False, -1, -1, -1, 16 * 1024 * 1024)
    for offset, record in enumerate(records):
        headers = [(key, content(value)) for key, value in record["headers"]]
        builder.append(offset, record["timestamp"], content(record["key"]), content(record["value"]), headers)
    return bytes(builder.build()).hex()


def partitions(keys, count):
    return [(murmur2(bytes.fromhex(key)) & 0x7FFFFFFF) % count for key in keys]


serve({"partitions": partitions, "read": read, "write": write})

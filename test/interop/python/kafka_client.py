"""kafka-python, with the functions of ../java/KafkaClient.java that it has: bytes are hexadecimal."""

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from kafka_records import content, headers, shown, transactional
from protocol import serve


def python_names(settings):
    """Kafka's settings, as this client names them."""
    named = {name.replace(".", "_"): value for name, value in (settings or {}).items()}
    if named.get("compression_type") == "none":
        named["compression_type"] = None
    return named


def send(producer, topic, records):
    sent = [
        producer.send(
            topic,
            key=content(record["key"]),
            value=content(record["value"]),
            headers=headers(record),
            partition=record["partition"],
            timestamp_ms=record.get("timestamp"),
        )
        for record in records
    ]
    producer.flush()
    return [[each.get().partition, each.get().offset] for each in sent]


def open_producer(bootstrap, settings):
    return KafkaProducer(bootstrap_servers=bootstrap, **python_names(settings))


def produce(bootstrap, topic, records, settings=None):
    producer = open_producer(bootstrap, settings)
    try:
        return send(producer, topic, records)
    finally:
        producer.close()


def consume(bootstrap, topic, count, settings=None):
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=None, **python_names(settings))
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    consumer.seek_to_beginning(partition)
    found = []
    while len(found) < count:
        for records in consumer.poll(timeout_ms=100).values():
            found += [shown(each.offset, each.timestamp, each.key, each.value, each.headers) for each in records]
    consumer.close()
    return found


def consume_in_group(bootstrap, topic, group, settings=None):
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        **python_names(settings)
    )
    try:
        for _ in range(20):
            if consumer.poll(timeout_ms=500):
                return None
        raise TimeoutError("nothing came")
    finally:
        consumer.close(autocommit=False)


serve(
    {
        "produce": produce,
        "consume": consume,
        "consumeInGroup": consume_in_group,
        **transactional(open_producer, send, lambda producer: producer.close()),
    }
)

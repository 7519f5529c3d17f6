"""kafka-python, with the functions of ../java/KafkaClient.java that it has: bytes are hexadecimal."""

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from protocol import serve

producers = {}


def plain(content):
    return None if content is None else bytes(content).hex()


def content(text):
    return None if text is None else bytes.fromhex(text)


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
            headers=[(key, content(value)) for key, value in record["headers"]],
            partition=record["partition"],
            timestamp_ms=record.get("timestamp"),
        )
        for record in records
    ]
    producer.flush()
    return [[each.get().partition, each.get().offset] for each in sent]


def produce(bootstrap, topic, records, settings=None):
    producer = KafkaProducer(bootstrap_servers=bootstrap, **python_names(settings))
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
            found += [
                {
                    "offset": record.offset,
                    "timestamp": record.timestamp,
                    "key": plain(record.key),
                    "value": plain(record.value),
                    "headers": [[key, plain(value)] for key, value in record.headers],
                }
                for record in records
            ]
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


def open_producer(bootstrap, name, settings):
    producers[name] = KafkaProducer(bootstrap_servers=bootstrap, **python_names(settings))
    producers[name].init_transactions()


def transaction(name, step, topic=None, records=None):
    producer = producers[name]
    if step == "begin":
        producer.begin_transaction()
    elif step == "send":
        return send(producer, topic, records)
    elif step == "commit":
        producer.commit_transaction()
    elif step == "abort":
        producer.abort_transaction()


def close_producer(name):
    producers.pop(name).close()


serve(
    {
        "produce": produce,
        "consume": consume,
        "consumeInGroup": consume_in_group,
        "openProducer": open_producer,
        "transaction": transaction,
        "closeProducer": close_producer,
    }
)

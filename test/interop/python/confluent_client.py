"""Confluent's Python client, with the functions of kafka_client.py: bytes are hexadecimal."""

from confluent_kafka import Consumer, Producer, TopicPartition

from protocol import serve

producers = {}


def plain(content):
    return None if content is None else bytes(content).hex()


def content(text):
    return None if text is None else bytes.fromhex(text)


def of(bootstrap, settings, **more):
    return {"bootstrap.servers": bootstrap, **(settings or {}), **more}


def send(producer, topic, records):
    places = [None] * len(records)

    def note(at):
        def on_delivery(error, message):
            if error is None:
                places[at] = [message.partition(), message.offset()]

        return on_delivery

    for at, record in enumerate(records):
        timestamp = record.get("timestamp")
        producer.produce(
            topic,
            key=content(record["key"]),
            value=content(record["value"]),
            headers=[(key, content(value)) for key, value in record["headers"]],
            partition=record["partition"],
            on_delivery=note(at),
            **({} if timestamp is None else {"timestamp": timestamp}),
        )
    producer.flush()
    if None in places:
        raise RuntimeError("a record was not delivered")
    return places


def produce(bootstrap, topic, records, settings=None):
    return send(Producer(of(bootstrap, settings)), topic, records)


def consume(bootstrap, topic, count, settings=None):
    consumer = Consumer(of(bootstrap, settings, **{"group.id": "none", "enable.auto.commit": False}))
    consumer.assign([TopicPartition(topic, 0, 0)])
    found = []
    while len(found) < count:
        for record in consumer.consume(count - len(found), timeout=0.1):
            if record.error() is not None:
                raise RuntimeError(str(record.error()))
            found.append(
                {
                    "offset": record.offset(),
                    "timestamp": record.timestamp()[1],
                    "key": plain(record.key()),
                    "value": plain(record.value()),
                    "headers": [[key, plain(value)] for key, value in record.headers() or []],
                }
            )
    consumer.close()
    return found


def open_producer(bootstrap, name, settings):
    producers[name] = Producer(of(bootstrap, settings))
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
    producers.pop(name).flush()


serve(
    {
        "produce": produce,
        "consume": consume,
        "openProducer": open_producer,
        "transaction": transaction,
        "closeProducer": close_producer,
    }
)

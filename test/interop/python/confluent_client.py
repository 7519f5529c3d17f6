"""Confluent's Python client, with the functions of kafka_client.py: bytes are hexadecimal."""

import time

from confluent_kafka import Consumer, Producer, TopicPartition

from kafka_records import content, headers, shown, transactional
from protocol import serve


def of(bootstrap, settings, **more):
    """A setting `token` is what logs in by OAUTHBEARER."""
    settings = dict(settings or {})
    token = settings.pop("token", None)
    if token is not None:
        more["oauth_cb"] = lambda _: (token, time.time() + 60)
    return {"bootstrap.servers": bootstrap, **settings, **more}


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
            headers=headers(record),
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
            time = record.timestamp()[1]
            found.append(shown(record.offset(), time, record.key(), record.value(), record.headers()))
    consumer.close()
    return found


consumers = {}


def open_consumer(bootstrap, name, topic, settings=None):
    consumer = Consumer(of(bootstrap, settings, **{"group.id": name, "enable.auto.commit": False}))
    consumer.assign([TopicPartition(topic, 0, 0)])
    consumers[name] = consumer


def poll(name, ms):
    """What there is after so long at most, the offset of each record and its value; an error ends it."""
    found = []
    for record in consumers[name].consume(1000, timeout=ms / 1000):
        if record.error() is not None:
            raise RuntimeError(record.error().name() + ": " + str(record.error()))
        found.append({"offset": record.offset(), "value": record.value().hex()})
    return {"records": found}


serve(
    {
        "openConsumer": open_consumer,
        "poll": poll,
        "closeConsumer": lambda name: consumers.pop(name).close(),
        "produce": produce,
        "consume": consume,
        **transactional(
            lambda bootstrap, settings: Producer(of(bootstrap, settings)),
            send,
            lambda producer: producer.flush(),
        ),
    }
)

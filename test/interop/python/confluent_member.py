"""python confluent_member.py <bootstrap> <group> <topic>: consumes in a group, and prints what it gets and is assigned."""

import signal
import sys

from confluent_kafka import Consumer

bootstrap, group, topic = sys.argv[1:]
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
consumer = Consumer(
    {
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "session.timeout.ms": 6000,
        "heartbeat.interval.ms": 300,
        "auto.commit.interval.ms": 100,
    }
)


def on_assign(_, assigned):
    print("assigned", ",".join(str(partition) for partition in sorted(each.partition for each in assigned)), flush=True)


consumer.subscribe([topic], on_assign=on_assign)
try:
    while True:
        for record in consumer.consume(100, timeout=0.1):
            if record.error() is None:
                print(f"record {record.partition()}/{record.offset()}", flush=True)
finally:
    consumer.close()

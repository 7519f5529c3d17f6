"""python kafka_member.py <bootstrap> <group> <topic>: consumes in a group, and prints what it gets and is assigned."""

import signal
import sys

from kafka import ConsumerRebalanceListener, KafkaConsumer

bootstrap, group, topic = sys.argv[1:]
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
consumer = KafkaConsumer(
    bootstrap_servers=bootstrap,
    group_id=group,
    auto_offset_reset="earliest",
    session_timeout_ms=6000,
    heartbeat_interval_ms=300,
    auto_commit_interval_ms=100,
)


class Print(ConsumerRebalanceListener):
    def on_partitions_revoked(self, revoked):
        pass

    def on_partitions_assigned(self, assigned):
        print("assigned", ",".join(str(each.partition) for each in sorted(assigned)), flush=True)


consumer.subscribe([topic], listener=Print())
try:
    while True:
        for records in consumer.poll(timeout_ms=100).values():
            for record in records:
                print(f"record {record.partition}/{record.offset}", flush=True)
finally:
    consumer.close()

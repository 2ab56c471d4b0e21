"""Prints the records of a topic that read_committed sees, by librdkafka: `<partition> <offset> <value>`, a line each. `all` ends at the
last stable offsets; `follow` runs until it is stopped.

Usage: committed_records.py BROKER TOPIC PARTITIONS all|follow"""

import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

broker, topic, partitions, is_following = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == "follow"
consumer = Consumer(
    {
        "bootstrap.servers": broker,
        "group.id": "not used",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
    }
)
consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(partitions)])
ended = set()
while is_following or len(ended) < partitions:
    message = consumer.poll(1)
    if message is None:
        continue
    if not message.error():
        print(message.partition(), message.offset(), message.value().decode(), flush=True)
    elif message.error().code() == KafkaError._PARTITION_EOF:
        ended.add(message.partition())
    elif message.error().fatal():
        sys.exit(str(message.error()))

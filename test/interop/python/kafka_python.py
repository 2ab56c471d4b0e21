"""kafka-python: write, read in a group, administer."""

import time

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewPartitions, NewTopic

from login import python
from tally import Tally, records, run


def write(bootstrap, topic, codec, count):
    compression = None if codec == "none" else codec
    producer = KafkaProducer(bootstrap_servers=bootstrap, compression_type=compression, linger_ms=5, **python())
    sent = [producer.send(topic, value, key, headers) for key, value, headers in records(int(count), "kafka-python")]
    producer.flush(60)
    written = [future.get(60) for future in sent]
    producer.close()
    return {"written": len(written), "failures": []}


def read(bootstrap, topic, group, count):
    consumer = KafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False, **python()
    )
    tally = Tally()
    end = time.monotonic() + 500
    while len(tally.values) < int(count) and time.monotonic() < end:
        for message in sum(consumer.poll(500).values(), []):
            tally.add(message.partition, message.offset, message.key, message.value, message.headers)
    consumer.commit()
    committed = [consumer.committed(partition) or 0 for partition in consumer.assignment()]
    consumer.close()
    return tally.answer(sum(committed))


def administer(bootstrap, topic):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(topic, 3, 1)])
    admin.create_partitions({topic: NewPartitions(4)})
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs={"retention.ms": "1234"})])
    described = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    (retention,) = [found["retention.ms"]["value"] for kind in described.values() for found in kind.values()]
    write(bootstrap, topic, "gzip", 50)
    read(bootstrap, topic, f"{topic}-group", 50)
    groups = str(admin.list_groups())
    state = str(admin.describe_groups([f"{topic}-group"]))
    offsets = admin.list_group_offsets([f"{topic}-group"])
    reader = KafkaConsumer(bootstrap_servers=bootstrap)
    partitions = [TopicPartition(topic, n) for n in range(4)]
    ends = reader.end_offsets(partitions)
    admin.delete_records({partitions[0]: ends[partitions[0]]})
    starts = reader.beginning_offsets(partitions)
    count = len(reader.partitions_for_topic(topic))
    reader.close()
    admin.delete_groups([f"{topic}-group"])
    admin.delete_topics([topic])
    answer = {
        "partitions": count,
        "retention": retention,
        "ends": sum(ends.values()),
        "committed": sum(one.offset for one in offsets[f"{topic}-group"].values()),
        "listed": f"{topic}-group" in groups,
        "state": "EMPTY" if "Empty" in state else state,
        "emptied": starts[partitions[0]] == ends[partitions[0]],
        "gone": topic not in admin.list_topics(),
    }
    admin.close()
    return answer


if __name__ == "__main__":
    run({"write": write, "read": read, "administer": administer})

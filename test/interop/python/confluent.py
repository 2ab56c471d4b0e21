"""confluent-kafka (librdkafka) as a user of it would: write, read in a group of either protocol, administer."""

import time

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
)

from login import librdkafka
from tally import Tally, records, run


def write(bootstrap, topic, codec, count):
    failures = []
    producer = Producer(
        {"bootstrap.servers": bootstrap, **librdkafka(), "compression.type": codec, "enable.idempotence": True, "linger.ms": 5}
    )
    for key, value, headers in records(int(count), "confluent"):
        producer.produce(topic, value, key, headers=headers, on_delivery=lambda e, _: failures.append(str(e)) if e else None)
        producer.poll(0)
    left = producer.flush(300)
    return {"written": int(count) - left - len(failures), "failures": failures[:3]}


def read(bootstrap, topic, group, count, protocol="classic"):
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            **librdkafka(),
            "group.id": group,
            "group.protocol": protocol,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "check.crcs": True,
        }
    )
    consumer.subscribe([topic])
    tally = Tally()
    end = time.monotonic() + 500
    while len(tally.values) < int(count) and time.monotonic() < end:
        message = consumer.poll(0.1)
        if message is None:
            continue
        if message.error():
            raise RuntimeError(message.error())
        tally.add(message.partition(), message.offset(), message.key(), message.value(), message.headers())
    committed = consumer.commit(asynchronous=False)
    consumer.close()
    return tally.answer(sum(partition.offset for partition in committed if partition.offset > 0))


def administer(bootstrap, topic):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    done = lambda futures: [future.result(300) for future in futures.values()]
    done(admin.create_topics([NewTopic(topic, num_partitions=3, replication_factor=1)]))
    done(admin.create_partitions([NewPartitions(topic, 4)]))
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    change = ConfigEntry("retention.ms", "1234", incremental_operation=AlterConfigOpType.SET)
    done(admin.incremental_alter_configs([ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[change])]))
    (configs,) = done(admin.describe_configs([resource]))
    write(bootstrap, topic, "lz4", 50)
    read(bootstrap, topic, f"{topic}-group", 50)
    partitions = [TopicPartition(topic, n) for n in range(4)]
    ends = [end.offset for end in done(admin.list_offsets({one: OffsetSpec.latest() for one in partitions}))]
    (offsets,) = done(admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(f"{topic}-group")]))
    groups = [group.group_id for group in admin.list_consumer_groups().result(300).valid]
    (described,) = done(admin.describe_consumer_groups([f"{topic}-group"]))
    moved = [TopicPartition(topic, n, 0) for n in range(4)]
    done(admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(f"{topic}-group", moved)]))
    done(admin.delete_records([TopicPartition(topic, 0, ends[0])]))
    low, high = Consumer({"bootstrap.servers": bootstrap, "group.id": "x"}).get_watermark_offsets(TopicPartition(topic, 0))
    done(admin.delete_consumer_groups([f"{topic}-group"]))
    partition_count = len(admin.describe_topics(TopicCollection([topic]))[topic].result(300).partitions)
    done(admin.delete_topics([topic], operation_timeout=300))
    return {
        "partitions": partition_count,
        "retention": configs["retention.ms"].value,
        "ends": sum(ends),
        "committed": sum(partition.offset for partition in offsets.topic_partitions),
        "listed": f"{topic}-group" in groups,
        "state": described.state.name,
        "emptied": low == high,
        "gone": topic not in admin.list_topics(timeout=300).topics,
    }


run({"write": write, "read": read, "administer": administer})

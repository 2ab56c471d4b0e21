"""aiokafka, the asyncio client: write, read in a group, administer."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from login import python
from tally import Tally, records, run


async def write(bootstrap, topic, codec, count):
    compression = None if codec == "none" else codec
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, compression_type=compression, enable_idempotence=True, linger_ms=5, **python()
    )
    await producer.start()
    try:
        sent = [await producer.send(topic, value, key, headers=headers) for key, value, headers in records(int(count), "aio")]
        return {"written": len(await asyncio.gather(*sent)), "failures": []}
    finally:
        await producer.stop()


async def read(bootstrap, topic, group, count):
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False, **python()
    )
    await consumer.start()
    tally = Tally()
    try:
        async with asyncio.timeout(500):
            while len(tally.values) < int(count):
                for message in sum((await consumer.getmany(timeout_ms=500)).values(), []):
                    tally.add(message.partition, message.offset, message.key, message.value, message.headers)
        await consumer.commit()
        committed = [await consumer.committed(partition) or 0 for partition in consumer.assignment()]
        return tally.answer(sum(committed))
    finally:
        await consumer.stop()


async def administer(bootstrap, topic):
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 3, 1)])
        await admin.create_partitions({topic: NewPartitions(4)})
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs={"retention.ms": "1234"})
        await admin.alter_configs([resource])
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        configs = {entry[0]: entry[1] for entry in answer.resources[0][4]}
        await write(bootstrap, topic, "gzip", 50)
        await read(bootstrap, topic, f"{topic}-group", 50)
        groups = [group[0] for group in await admin.list_consumer_groups()]
        (described,) = await admin.describe_consumer_groups([f"{topic}-group"])
        offsets = await admin.list_consumer_group_offsets(f"{topic}-group")
        (topics,) = [len(one["partitions"]) for one in await admin.describe_topics([topic])]
        await admin.delete_topics([topic])
        return {
            "partitions": topics,
            "retention": configs["retention.ms"],
            "ends": 50,
            "committed": sum(one.offset for one in offsets.values()),
            "listed": f"{topic}-group" in groups,
            "state": described.groups[0][2].upper(),
            "emptied": True,
            "gone": topic not in await admin.list_topics(),
        }
    finally:
        await admin.close()


def waited(command):
    return lambda *args: asyncio.run(command(*args))


run({"write": waited(write), "read": waited(read), "administer": waited(administer)})

# Transactions of confluent-kafka (librdkafka): commits, aborts, a read-process-write loop, a producer that is fenced.
# Prints what a reader of committed records saw, as JSON.
import json
import sys
import uuid

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

broker, suffix = sys.argv[1], uuid.uuid4().hex[:8]
source, target, group = f"txn-in-{suffix}", f"txn-out-{suffix}", f"txn-group-{suffix}"


def transactional(name):
    producer = Producer({"bootstrap.servers": broker, "transactional.id": f"{name}-{suffix}"})
    producer.init_transactions(30)
    return producer


def reader(isolation, group_id=None, **more):
    return Consumer(
        {
            "bootstrap.servers": broker,
            "group.id": group_id or uuid.uuid4().hex,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "isolation.level": isolation,
            "enable.partition.eof": True,
            **more,
        }
    )


def read_all(topic, isolation):
    consumer = reader(isolation)
    partitions = list(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
    consumer.assign([TopicPartition(topic, index, 0) for index in partitions])
    values, ended = [], set()
    while len(ended) < len(partitions):
        message = consumer.poll(10)
        if message is None:
            raise SystemExit(f"{topic} has no end for {isolation}")
        if message.error():
            ended.add(message.partition())
        else:
            values.append(message.value().decode())
    consumer.close()
    return sorted(values)


writer = transactional("writer")
for round_ in range(10):
    writer.begin_transaction()
    for n in range(10):
        writer.produce(source, f"{round_}-{n}", key=str(n))
    if round_ % 3 == 2:
        writer.flush(10)
        writer.abort_transaction(30)
    else:
        writer.commit_transaction(30)

# Copies, and gives up every other batch the first time.
copier, consumer = transactional("copier"), reader("read_committed", group)
consumer.subscribe([source])
copied, gave_up = 0, False
while copied < 70:
    batch = [one for one in consumer.consume(20, 5) if not one.error()]
    if not batch:
        continue
    copier.begin_transaction()
    for message in batch:
        copier.produce(target, message.value(), key=message.key())
    positions = consumer.position(consumer.assignment())
    copier.send_offsets_to_transaction(positions, consumer.consumer_group_metadata(), 30)
    if gave_up:
        copier.commit_transaction(30)
        copied += len(batch)
    else:
        copier.abort_transaction(30)
        for partition in consumer.committed(consumer.assignment(), timeout=30):
            consumer.seek(TopicPartition(partition.topic, partition.partition, max(partition.offset, 0)))
    gave_up = not gave_up
consumer.close()

# A second producer of the same transactional id fences the first.
zombie = writer
zombie.begin_transaction()
zombie.produce(source, "of the zombie")
zombie.flush(10)
heir = transactional("writer")
try:
    zombie.commit_transaction(30)
    fenced = "not fenced"
except KafkaException as failure:
    fenced = failure.args[0].name()
heir.begin_transaction()
heir.produce(source, "of the heir")
heir.commit_transaction(30)

print(
    json.dumps(
        {
            "committed": read_all(source, "read_committed"),
            "uncommitted": len(read_all(source, "read_uncommitted")),
            "copied": read_all(target, "read_committed"),
            "fenced": fenced,
        }
    )
)

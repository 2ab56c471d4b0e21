"""A transactional producer of librdkafka: one transaction after another, a third of them aborted, until it is killed. The records of a
transaction are spread over all partitions; the value is `<transaction> <index>`. It prints each step, a line each:
`began T`, `asks commit|abort T RECORDS`, `committed T`, `aborted T`; and `gave-up T REASON` before it ends because of a fatal error.
In its life `last` it only ends what an earlier life has left open.

Usage: transactional_writer.py BROKER TRANSACTIONAL_ID LIFE TOPIC PARTITIONS"""

import random
import sys
import time

from confluent_kafka import KafkaException, Producer

PATIENCE_S = 120
MOST_RECORDS_A_PARTITION = 5
PAUSE_S = 0.02

broker, name, life, topic, partitions = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])


def say(*words):
    print(*words, flush=True)


def patiently(call):
    """Repeats a call that may be repeated, as librdkafka's manual says."""
    while True:
        try:
            return call(PATIENCE_S)
        except KafkaException as failure:
            if not failure.args[0].retriable():
                raise


def abort(transaction):
    patiently(producer.abort_transaction)
    say("aborted", transaction)


def run(transaction):
    producer.begin_transaction()
    say("began", transaction)
    count = partitions * random.randint(1, MOST_RECORDS_A_PARTITION)
    is_commit = random.random() < 2 / 3
    try:
        for index in range(count):
            producer.produce(topic, f"{transaction} {index}", partition=index % partitions)
        say("asks", "commit" if is_commit else "abort", transaction, count)
        if not is_commit:
            return abort(transaction)
        patiently(producer.commit_transaction)
        say("committed", transaction)
    except KafkaException as failure:
        if not failure.args[0].txn_requires_abort():
            raise
        abort(transaction)


producer = Producer(
    {
        "bootstrap.servers": broker,
        "transactional.id": name,
        "transaction.timeout.ms": 60_000,
        "message.timeout.ms": 60_000,
        "linger.ms": 5,
    }
)
number = 0
try:
    patiently(producer.init_transactions)
    while life != "last":
        run(f"{name}-{life}-{number}")
        number += 1
        time.sleep(PAUSE_S)
except KafkaException as failure:
    say("gave-up", f"{name}-{life}-{number}", failure)
    sys.exit(1)

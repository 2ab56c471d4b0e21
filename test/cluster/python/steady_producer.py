"""An idempotent producer of librdkafka. Sends numbered records to every partition until SIGTERM, and prints each outcome:
`stored <partition> <offset> <number>`, or `failed <partition> <number> <reason>`."""

import signal
import sys

from confluent_kafka import KafkaException, Producer

MOST_OUTSTANDING = 200
SECONDS_TO_FLUSH = 120

is_over = False


def stop(*_):
    global is_over
    is_over = True


def delivered(error, message):
    number = message.value().decode()
    if error:
        print("failed", message.partition(), number, error, flush=True)
    else:
        print("stored", message.partition(), message.offset(), number, flush=True)


def send(bootstrap, topic, partitions, silence_ms):
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "linger.ms": 5,
            "socket.timeout.ms": silence_ms,
        }
    )
    number = 0
    while not is_over:
        for partition in range(partitions):
            producer.produce(topic, str(number), partition=partition, on_delivery=delivered)
        number += 1
        producer.poll(0.02)
        while len(producer) > MOST_OUTSTANDING and not is_over:
            producer.poll(0.1)
    producer.flush(SECONDS_TO_FLUSH)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    try:
        send(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    except KafkaException as failure:
        print("failed", "-", "-", failure, flush=True)
        sys.exit(1)

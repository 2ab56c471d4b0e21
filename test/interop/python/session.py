"""confluent-kafka writes a record each second over SASL, and prints the errors that it has seen."""

import json
import sys
import time

from confluent_kafka import Producer

bootstrap, username, password, topic, seconds = sys.argv[1:]
errors = []
producer = Producer(
    {
        "bootstrap.servers": bootstrap,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-256",
        "sasl.username": username,
        "sasl.password": password,
        "linger.ms": 0,
        "message.timeout.ms": 30_000,
        "error_cb": lambda error: errors.append(str(error)),
    }
)
for _ in range(int(seconds)):
    producer.produce(topic, b"one", on_delivery=lambda error, _: errors.append(error.name()) if error else None)
    producer.flush(30)
    time.sleep(1)
print(json.dumps({"errors": errors}))

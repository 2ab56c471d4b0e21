"""confluent-kafka with a client certificate: writes one record, and prints the error by its name."""

import json
import sys

from confluent_kafka import Producer

bootstrap, topic, ca, cert, key = sys.argv[1:]
errors = []
producer = Producer(
    {
        "bootstrap.servers": bootstrap,
        "security.protocol": "SSL",
        "ssl.ca.location": ca,
        "ssl.certificate.location": cert,
        "ssl.key.location": key,
        "message.timeout.ms": 30_000,
    }
)
producer.produce(topic, b"one", on_delivery=lambda error, _: errors.append(error and error.name()))
producer.flush(60)
print(json.dumps({"error": errors[0] if errors else "no answer"}))

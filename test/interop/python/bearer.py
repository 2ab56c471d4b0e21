"""confluent-kafka with tokens (OAUTHBEARER): writes and reads records, with a new token each time
that the client wants one. The tokens are those of a file, one a line; the last one is used again."""

import json
import sys
import time

from confluent_kafka import Consumer, KafkaException, Producer

bootstrap, topic, tokens_file, count = sys.argv[1:]
tokens = open(tokens_file).read().split()
used = []
errors = []


def next_token(_config):
    token = tokens[min(len(used), len(tokens) - 1)]
    used.append(token)
    return token, time.time() + 2


common = {
    "bootstrap.servers": bootstrap,
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "OAUTHBEARER",
    "oauth_cb": next_token,
    "error_cb": lambda error: errors.append(str(error)),
}
producer = Producer({**common, "message.timeout.ms": 15_000})
delivered = []
for number in range(int(count)):
    try:
        producer.produce(topic, str(number), on_delivery=lambda error, _: delivered.append(error and error.name()))
        producer.flush(60)
    except KafkaException as refusal:  # what an earlier message has taught the client
        delivered.append(refusal.args[0].name())
    if any(delivered):
        break
read = 0
if delivered and not any(delivered):
    consumer = Consumer({**common, "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    until = time.monotonic() + 60
    while read < int(count) and time.monotonic() < until:
        message = consumer.poll(1)
        if message and not message.error():
            read += 1
    consumer.close()
failed = [name for name in delivered if name]
print(json.dumps({"delivered": len(delivered) - len(failed), "read": read, "failed": failed, "errors": errors}))

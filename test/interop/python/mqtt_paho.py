"""paho, Eclipse's MQTT client: one position over TLS, over TCP or WebSocket, by password or by certificate."""

import json
import ssl
import sys

import paho.mqtt.client as mqtt

transport, port, ca, device, *credentials = sys.argv[1:]
outcome = {"connack": None, "acknowledged": False, "suback": None}
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, transport=transport, protocol=mqtt.MQTTv5)
if len(credentials) == 1:
    client.tls_set(ca_certs=ca, cert_reqs=ssl.CERT_REQUIRED)
    client.username_pw_set(device, credentials[0])
else:
    client.tls_set(ca_certs=ca, certfile=credentials[0], keyfile=credentials[1])


def connected(client, _userdata, _flags, reason, _properties):
    outcome["connack"] = str(reason)
    if reason.is_failure:
        client.disconnect()
    else:
        client.subscribe(f"trucks/{device}/commands", qos=1)


def subscribed(client, _userdata, _id, reasons, _properties):
    outcome["suback"] = str(reasons[0])
    client.publish(f"trucks/{device}/gps", '{"lat":57.70,"lon":11.97}', qos=1)


def published(client, _userdata, _id, reason, _properties):
    outcome["acknowledged"] = not reason.is_failure
    client.disconnect()


client.on_connect, client.on_subscribe, client.on_publish = connected, subscribed, published
client.connect("127.0.0.1", int(port))
client.loop_forever(retry_first_connection=False)
print(json.dumps(outcome))

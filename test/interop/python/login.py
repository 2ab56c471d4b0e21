"""How the programs beside this file log in: by the environment, as test/interop/login.ts sets it; without it, not at all."""

import os
import ssl

MECHANISM = os.environ.get("INTEROP_MECHANISM")
USERNAME = os.environ.get("INTEROP_USERNAME")
PASSWORD = os.environ.get("INTEROP_PASSWORD")
CA = os.environ.get("INTEROP_CA")


def librdkafka():
    if MECHANISM is None:
        return {}
    return {
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": CA,
        "sasl.mechanism": MECHANISM,
        "sasl.username": USERNAME,
        "sasl.password": PASSWORD,
    }


def python():
    """Of aiokafka and of kafka-python."""
    if MECHANISM is None:
        return {}
    return {
        "security_protocol": "SASL_SSL",
        "ssl_context": ssl.create_default_context(cafile=CA),
        "sasl_mechanism": MECHANISM,
        "sasl_plain_username": USERNAME,
        "sasl_plain_password": PASSWORD,
    }

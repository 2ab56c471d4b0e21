"""confluent-kafka's schema registry client and serializers, against a registry: `schemas.py URL`. Prints one JSON document."""

import json
import sys

from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

POINT = {"type": "record", "name": "Point", "namespace": "geo", "fields": [{"name": "lat", "type": "double"}]}
RIDE = {
    "type": "record",
    "name": "Ride",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": "geo.Point"},
        {"name": "km", "type": ["null", "long"], "default": None},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}},
        {"name": "tags", "type": {"type": "map", "values": {"type": "array", "items": "int"}}},
        {"name": "raw", "type": "bytes"},
    ],
}
JSON_SCHEMA = {"title": "Thing", "type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


def messages():
    """Two files: the second message of the first one, and one that imports it."""
    kinds = descriptor_pb2.FieldDescriptorProto
    thing = descriptor_pb2.FileDescriptorProto(name="thing.proto", package="interop", syntax="proto3")
    thing.message_type.add(name="First")
    fields = thing.message_type.add(name="Thing").field
    fields.add(name="id", number=1, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL)
    fields.add(name="some_count", number=2, type=kinds.TYPE_INT64, label=kinds.LABEL_OPTIONAL)
    trip = descriptor_pb2.FileDescriptorProto(name="trip.proto", package="interop", syntax="proto3")
    trip.dependency.extend(["thing.proto", timestamp_pb2.DESCRIPTOR.name])
    fields = trip.message_type.add(name="Trip").field
    fields.add(name="thing", number=1, type=kinds.TYPE_MESSAGE, label=kinds.LABEL_OPTIONAL, type_name=".interop.Thing")
    fields.add(name="at", number=2, type=kinds.TYPE_MESSAGE, label=kinds.LABEL_OPTIONAL, type_name=".google.protobuf.Timestamp")
    pool = descriptor_pool.Default()
    pool.Add(thing)
    pool.Add(trip)
    return [message_factory.GetMessageClass(pool.FindMessageTypeByName(f"interop.{name}")) for name in ("Thing", "Trip")]


def context(topic):
    return SerializationContext(topic, MessageField.VALUE)


def refusal(work):
    try:
        work()
    except SchemaRegistryError as error:
        return [error.http_status_code, error.error_code]
    return None


def main(url):
    client = SchemaRegistryClient({"url": url})
    seen = {}

    point_id = client.register_schema("geo.Point", Schema(json.dumps(POINT), "AVRO"))
    references = [SchemaReference("geo.Point", "geo.Point", 1)]
    ride = Schema(json.dumps(RIDE), "AVRO", references)
    value = {"id": "r-1", "at": {"lat": 57.7}, "km": 2**40, "kind": "B", "tags": {"x": [1, -2]}, "raw": b"\x00\xff"}
    avro = AvroSerializer(client, ride)(value, context("rides"))
    seen["avro"] = AvroDeserializer(SchemaRegistryClient({"url": url}))(avro, context("rides")) == value
    seen["avroBytes"] = avro.hex()

    new_format = {"use.deprecated.format": False}
    Thing, Trip = messages()
    value = Thing(id="t-1", some_count=2**40)
    protobuf = ProtobufSerializer(Thing, client, new_format)(value, context("protobuf-things"))
    deserializer = ProtobufDeserializer(Thing, new_format, SchemaRegistryClient({"url": url}))
    seen["protobuf"] = deserializer(protobuf, context("protobuf-things")) == value
    seen["protobufBytes"] = protobuf.hex()

    trip = Trip(thing=value)
    trip.at.seconds = 7
    protobuf = ProtobufSerializer(Trip, client, new_format)(trip, context("trips"))
    deserializer = ProtobufDeserializer(Trip, new_format, SchemaRegistryClient({"url": url}))
    seen["protobufWithImports"] = deserializer(protobuf, context("trips")) == trip
    seen["importsBytes"] = protobuf.hex()

    thing = JSONSerializer(json.dumps(JSON_SCHEMA), client)({"a": 1}, context("things"))
    seen["json"] = JSONDeserializer(json.dumps(JSON_SCHEMA))(thing, context("things")) == {"a": 1}
    seen["jsonBytes"] = thing.hex()

    seen["sameId"] = client.register_schema("geo.Point", Schema(json.dumps(POINT), "AVRO")) == point_id
    seen["subjects"] = sorted(client.get_subjects())
    seen["versions"] = client.get_versions("rides-value")
    latest = client.get_latest_version("rides-value")
    seen["latest"] = [latest.version, latest.schema.references[0].subject]
    seen["lookup"] = client.lookup_schema("rides-value", ride).version
    narrower = {**RIDE, "fields": RIDE["fields"] + [{"name": "new", "type": "int"}]}
    seen["compatible"] = client.test_compatibility("rides-value", Schema(json.dumps(narrower), "AVRO", references))
    seen["refused"] = refusal(lambda: client.register_schema("rides-value", Schema(json.dumps(narrower), "AVRO", references)))
    seen["set"] = client.set_compatibility("rides-value", "NONE")["compatibility"]
    seen["get"] = client.get_compatibility("rides-value")
    seen["second"] = client.register_schema("rides-value", Schema(json.dumps(narrower), "AVRO", references)) > 0
    seen["absent"] = refusal(lambda: client.get_latest_version("nobody"))
    seen["invalid"] = refusal(lambda: client.register_schema("x", Schema('{"type":"nothing"}', "AVRO")))
    seen["referenced"] = refusal(lambda: client.delete_subject("geo.Point"))
    seen["deleted"] = [client.delete_version("rides-value", 2), client.delete_subject("rides-value")]
    client.register_schema("gone-value", Schema(json.dumps(JSON_SCHEMA), "JSON"))
    client.delete_subject("gone-value")
    seen["hard"] = client.delete_subject("gone-value", permanent=True)  # its schema is that of "things" too, and stays
    print(json.dumps(seen))


main(sys.argv[1])

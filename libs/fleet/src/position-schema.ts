// The canonical position as Avro and as Protobuf, for topics whose positions have a schema (docs/SCHEMAS.md). Numbers are
// doubles there: only JSON preserves the digits of the device.
import {
  messageAt,
  parseAvro,
  parseProtobuf,
  type ResolvedSchema,
  writeAvro,
  writeMessageIndexes,
  writeProtobuf,
  writeSchemaId,
} from '@milepost/serdes';
import { encodePosition, OPTIONAL_NUMBERS, type Position } from './position.ts';

export type PositionFormat = 'json' | 'avro' | 'protobuf';

const optional = (name: string, type: string) => ({ name, type: ['null', type], default: null });

const AVRO: ResolvedSchema = {
  type: 'AVRO',
  references: [],
  text: JSON.stringify({
    type: 'record',
    name: 'Position',
    namespace: 'milepost',
    fields: [
      { name: 'truckId', type: 'string' },
      { name: 'ts', type: 'string', doc: 'ISO 8601, as the device sent it' },
      { name: 'lat', type: 'double' },
      { name: 'lon', type: 'double' },
      ...OPTIONAL_NUMBERS.map((name) => optional(name, 'double')),
      optional('ignition', 'boolean'),
      { name: 'source', type: 'string', default: '' },
      { ...optional('other', 'string'), doc: 'fields without a canonical name, as a JSON object' },
    ],
  }),
};

const PROTOBUF: ResolvedSchema = {
  type: 'PROTOBUF',
  references: [],
  text: `syntax = "proto3";
package milepost;

message Position {
  string truck_id = 1;
  // ISO 8601, as the device sent it.
  string ts = 2;
  double lat = 3;
  double lon = 4;
  optional double speed_kmh = 5;
  optional double heading_deg = 6;
  optional double altitude_m = 7;
  optional double accuracy_m = 8;
  optional double odometer_m = 9;
  optional double fuel_pct = 10;
  optional double battery_pct = 11;
  optional bool ignition = 12;
  string source = 13;
  // Fields without a canonical name, as a JSON object.
  optional string other = 14;
}`,
};

/** Undefined: JSON has none. */
export const positionSchema = (format: PositionFormat): ResolvedSchema | undefined =>
  format === 'json' ? undefined : format === 'avro' ? AVRO : PROTOBUF;

/** Writes values of `positionSchema(format)`, which the registry knows by `schemaId`. */
export function positionEncoder(format: PositionFormat, schemaId: number): (position: Position) => Buffer {
  if (format === 'json') return encodePosition;
  const id = writeSchemaId(schemaId);
  if (format === 'avro') {
    const type = parseAvro(AVRO);
    return (position) => Buffer.concat([id, writeAvro(type, plain(position))]);
  }
  const type = messageAt(parseProtobuf(PROTOBUF), [0]);
  if (!type) throw new Error('the schema of positions has no message');
  const header = Buffer.concat([id, writeMessageIndexes([0])]);
  return (position) => Buffer.concat([header, writeProtobuf(type, plain(position))]);
}

function plain({ other, ...position }: Position): Readonly<Record<string, unknown>> {
  return other === undefined ? { ...position } : { ...position, other: JSON.stringify(other) };
}

// The schemas of the programs' own records: from the registry that MILEPOST_SCHEMA_REGISTRY_URL names, else from that in the
// program's PostgreSQL.
import type { Logger, Meter } from '@milepost/core';
import { encodePosition, type Position, positionEncoder, PositionReader, positionSchema } from '@milepost/fleet';
import { PostgresRegistryStore } from '@milepost/postgres';
import { SchemaRegistry } from '@milepost/registry';
import type { ResolvedSchema, SchemaSource } from '@milepost/serdes';
import type { Settings } from '@milepost/settings';
import { TRUCK_GPS } from '@milepost/streams';
import type { DataSource } from 'typeorm';
import { HttpSchemaRegistry } from './http-schema-registry.ts';

export interface Schemas extends SchemaSource {
  /** Returns the schema's id. */
  register(subject: string, schema: ResolvedSchema): Promise<number>;
}

/** `database` is asked for at the first use. */
export function schemasOf({ schemaRegistryUrl }: Settings, database?: () => DataSource): Schemas {
  if (schemaRegistryUrl !== undefined) return new HttpSchemaRegistry(schemaRegistryUrl);
  if (!database) return ABSENT;
  const registry = () => new SchemaRegistry(new PostgresRegistryStore(database()));
  return {
    schema: (id) => registry().schema(id),
    register: async (subject, { type, text }) =>
      (await registry().register(subject, { type, text, references: [] })).id,
  };
}

/** A program without a database: records with a schema are refused, and JSON is read. */
const ABSENT: Schemas = {
  schema: async () => undefined,
  register: async () => {
    throw new Error('MILEPOST_SCHEMA_REGISTRY_URL: expected the address of a schema registry, as there is no database');
  },
};

/** The positions of a group's records; those that are none are counted. */
export function positionReader(
  schemas: SchemaSource,
  { groupId, logger, meter }: { readonly groupId: string; readonly logger: Logger; readonly meter: Meter },
): PositionReader {
  const refused = meter.counter(
    'milepost_positions_refused_total',
    'Records of truck_gps that a consumer skipped, as they are no positions or their schema cannot be read.',
    ['group'],
  );
  refused.add(0, { group: groupId });
  return new PositionReader(schemas, (reason) => {
    refused.add(1, { group: groupId });
    logger.debug({ group: groupId, reason }, 'a record of truck_gps is no position');
  });
}

/** Writes positions as MILEPOST_POSITION_FORMAT says; registers the schema if it has one. */
export async function positionWriter(
  { positionFormat }: Pick<Settings, 'positionFormat'>,
  schemas: Schemas,
): Promise<(position: Position) => Buffer> {
  const schema = positionSchema(positionFormat);
  if (!schema) return encodePosition;
  return positionEncoder(positionFormat, await schemas.register(`${TRUCK_GPS}-value`, schema));
}

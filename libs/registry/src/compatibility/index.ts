// Whether a subject's next schema may follow its earlier ones (Confluent's compatibility levels). BACKWARD: it reads their
// data; FORWARD: they read its; FULL: both. The transitive levels are about all versions, the others about the last.
import { parseAvro, parseProtobuf, type ResolvedSchema } from '@milepost/serdes';
import type { CompatibilityLevel } from '../store.ts';
import { avroProblems } from './avro.ts';
import { jsonProblems, parseJsonSchema } from './json.ts';
import { protobufProblems } from './protobuf.ts';

/** An earlier version that is compared. */
export interface Earlier {
  readonly version: number;
  readonly schema: ResolvedSchema;
}

/** Those of `versions` (ascending) that the level is about. */
export function compared<Version>(level: CompatibilityLevel, versions: readonly Version[]): readonly Version[] {
  if (level === 'NONE') return [];
  return level.endsWith('_TRANSITIVE') ? versions : versions.slice(-1);
}

/** Why the schema may not follow them; empty: it may. @throws SchemaInvalid for a schema that is none. */
export function incompatibilities(
  level: CompatibilityLevel,
  schema: ResolvedSchema,
  versions: readonly Earlier[],
): string[] {
  return compared(level, versions).flatMap(({ version, schema: earlier }) => {
    const backward = level.startsWith('FORWARD') ? [] : problems(schema, earlier);
    const forward = level.startsWith('BACKWARD') ? [] : problems(earlier, schema);
    const named = (way: string) => (problem: string) => `${way} version ${version}: ${problem}`;
    return [...backward.map(named('reading')), ...forward.map(named('being read by'))];
  });
}

function problems(reader: ResolvedSchema, writer: ResolvedSchema): string[] {
  if (reader.type !== writer.type) return [`SCHEMA_TYPE_CHANGED: expected ${writer.type}, got ${reader.type}`];
  switch (reader.type) {
    case 'AVRO':
      return avroProblems(parseAvro(reader), parseAvro(writer));
    case 'PROTOBUF':
      return protobufProblems(parseProtobuf(reader), parseProtobuf(writer));
    case 'JSON':
      return jsonProblems(parseJsonSchema(reader), parseJsonSchema(writer));
  }
}

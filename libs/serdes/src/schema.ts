// A schema as a registry stores it, and the one way in which it can be wrong.

export type SchemaType = 'AVRO' | 'PROTOBUF' | 'JSON';

export const SCHEMA_TYPES: readonly SchemaType[] = ['JSON', 'PROTOBUF', 'AVRO'];

/** With all schemas that it references, directly or not, in an order in which each precedes its users. */
export interface ResolvedSchema {
  readonly type: SchemaType;
  /** Avro and JSON Schema: JSON; Protobuf: a .proto file, or a FileDescriptorProto in base64. */
  readonly text: string;
  readonly references: readonly ResolvedReference[];
}

export interface ResolvedReference {
  /** What the user's schema calls it: a full name in Avro, the imported file in Protobuf, a URI in JSON Schema. */
  readonly name: string;
  readonly text: string;
}

/** Not a schema, or one beyond the limits. The message is one line for the person who wrote it. */
export class SchemaInvalid extends Error {
  override readonly name = 'SchemaInvalid';
}

/** The text of a schema, that of its references not counted. */
export const SCHEMA_BYTES_LIMIT = 512 * 1024;
/** Of a schema's text with all its references. */
export const RESOLVED_BYTES_LIMIT = 4 * 1024 * 1024;
/** Types inside of each other. */
export const SCHEMA_DEPTH_LIMIT = 100;

/** @throws SchemaInvalid beyond the limits. */
export function checkSize({ text, references }: ResolvedSchema): void {
  const size = Buffer.byteLength(text);
  if (size > SCHEMA_BYTES_LIMIT)
    throw new SchemaInvalid(`expected a schema of at most ${SCHEMA_BYTES_LIMIT} bytes, got ${size}`);
  const total = references.reduce((sum, reference) => sum + Buffer.byteLength(reference.text), size);
  if (total > RESOLVED_BYTES_LIMIT)
    throw new SchemaInvalid(
      `expected a schema of at most ${RESOLVED_BYTES_LIMIT} bytes with its references, got ${total}`,
    );
}

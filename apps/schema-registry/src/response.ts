// The bodies of responses, as Confluent's clients read them: a type that is Avro and references that are none are left out.
import type { StoredSchema, VersionedSchema } from '@milepost/registry';
import { describeProtobuf } from '@milepost/serdes';

export interface SchemaBody {
  readonly schema: string;
  readonly schemaType?: string;
  readonly references?: readonly object[];
}

export interface VersionBody extends SchemaBody {
  readonly subject: string;
  readonly id: number;
  readonly version: number;
}

/** `serialized`: a Protobuf schema as a FileDescriptorProto in base64. */
export function schemaBody({ type, text, references }: StoredSchema, format?: string): SchemaBody {
  return {
    schema: format === 'serialized' && type === 'PROTOBUF' ? describeProtobuf(text) : text,
    ...(type !== 'AVRO' && { schemaType: type }),
    ...(references.length > 0 && { references }),
  };
}

export function versionBody(schema: VersionedSchema, format?: string): VersionBody {
  const { subject, id, version } = schema;
  return { subject, version, id, ...schemaBody(schema, format) };
}

// A record that a coordinator keeps in an internal topic: its key says what it is of, its value what is so, null that it
// is no more.
//
//   key    type int16 | fields, never flexible
//   value  version int16 | fields
import { ByteReader, ByteWriter, MalformedMessage } from '@milepost/core';
import { type Codec, compile } from './compile.ts';
import type { Decoded, Encodable, Shape } from './field.ts';

export interface PersistedSpec<Key extends Shape, Value extends Shape> {
  /** What a key begins with: `apiKey` in Kafka's own declarations. */
  readonly type: number;
  readonly name: string;
  readonly key: Key;
  readonly value: Value;
  readonly versions: readonly [oldest: number, newest: number];
  /** First version of the value with compact lengths and tagged fields (KIP-482). */
  readonly flexible: number;
}

export class Persisted<Key extends Shape = Shape, Value extends Shape = Shape> {
  readonly spec: PersistedSpec<Key, Value>;
  readonly #values: Codec<Decoded<Value>, Encodable<Value>>[] = [];
  #keys: Codec<Decoded<Key>, Encodable<Key>> | undefined;

  constructor(spec: PersistedSpec<Key, Value>) {
    this.spec = spec;
  }

  key(fields: Encodable<Key>): Buffer {
    const writer = new ByteWriter(64);
    writer.int16(this.spec.type);
    this.#keyCodec.write(writer, fields);
    return writer.finish();
  }

  /** Fields that the version lacks are left out. */
  value(version: number, fields: Encodable<Value>): Buffer {
    const writer = new ByteWriter(256);
    writer.int16(version);
    this.#valueCodec(version).write(writer, fields);
    return writer.finish();
  }

  /** Undefined for the key of another kind of record. @throws MalformedMessage */
  readKey(bytes: Buffer): Decoded<Key> | undefined {
    const reader = new ByteReader(bytes);
    return reader.int16() === this.spec.type ? this.#keyCodec.read(reader) : undefined;
  }

  /** @throws MalformedMessage */
  readValue(bytes: Buffer): Decoded<Value> {
    const reader = new ByteReader(bytes);
    return this.#valueCodec(reader.int16()).read(reader);
  }

  get #keyCodec(): Codec<Decoded<Key>, Encodable<Key>> {
    const form = { name: `${this.spec.name} key`, version: 0, flexible: false, strict: true };
    return (this.#keys ??= compile(this.spec.key, form));
  }

  #valueCodec(version: number): Codec<Decoded<Value>, Encodable<Value>> {
    const { name, versions, flexible, value } = this.spec;
    const [oldest, newest] = versions;
    if (version < oldest || version > newest)
      throw new MalformedMessage(`${name}: version ${version}, expected ${oldest} to ${newest}`);
    const form = { name: `${name} value`, version, flexible: version >= flexible, strict: false };
    return (this.#values[version] ??= compile(value, form));
  }
}

export function persisted<Key extends Shape, Value extends Shape>(
  spec: PersistedSpec<Key, Value>,
): Persisted<Key, Value> {
  return new Persisted(spec);
}

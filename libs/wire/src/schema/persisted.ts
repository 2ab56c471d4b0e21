// A record that a coordinator stores in an internal topic: its key identifies an item, its value is the item's state,
// and null means that the item was removed.
//
//   key    type int16 | fields, never flexible
//   value  version int16 | fields
import { ByteReader, ByteWriter } from '@milepost/core';
import { type Codec, compile } from './compile.ts';
import type { Decoded, Encodable, Shape } from './field.ts';
import { Versioned } from './versioned.ts';

export interface PersistedSpec<Key extends Shape, Value extends Shape> {
  /** The first field of a key: `apiKey` in Kafka's own declarations. */
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
  readonly #values: Versioned<Value>;
  #keys: Codec<Decoded<Key>, Encodable<Key>> | undefined;

  constructor(spec: PersistedSpec<Key, Value>) {
    this.spec = spec;
    const { name, value: fields, versions, flexible } = spec;
    this.#values = new Versioned({ name: `${name} value`, fields, versions, flexible });
  }

  key(fields: Encodable<Key>): Buffer {
    const writer = new ByteWriter(64);
    writer.int16(this.spec.type);
    this.#keyCodec.write(writer, fields);
    return writer.finish();
  }

  /** Fields that the version lacks are left out. */
  value(version: number, fields: Encodable<Value>): Buffer {
    return this.#values.write(version, fields);
  }

  /** Undefined for the key of another type of record. @throws MalformedMessage */
  readKey(bytes: Buffer): Decoded<Key> | undefined {
    const reader = new ByteReader(bytes);
    return reader.int16() === this.spec.type ? this.#keyCodec.read(reader) : undefined;
  }

  /** @throws MalformedMessage */
  readValue(bytes: Buffer): Decoded<Value> {
    return this.#values.read(bytes);
  }

  get #keyCodec(): Codec<Decoded<Key>, Encodable<Key>> {
    const form = { name: `${this.spec.name} key`, version: 0, flexible: false, strict: true };
    return (this.#keys ??= compile(this.spec.key, form));
  }
}

export function persisted<Key extends Shape, Value extends Shape>(
  spec: PersistedSpec<Key, Value>,
): Persisted<Key, Value> {
  return new Persisted(spec);
}

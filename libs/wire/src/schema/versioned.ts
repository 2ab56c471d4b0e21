// Bytes that begin with the version of the fields after it: version int16 | fields. For values of persisted records and
// for the messages that consumers exchange through a classic group.
import { ByteReader, ByteWriter, MalformedMessage } from '@milepost/core';
import { type Codec, compile } from './compile.ts';
import type { Decoded, Encodable, Shape } from './field.ts';

export interface VersionedSpec<Fields extends Shape> {
  readonly name: string;
  readonly fields: Fields;
  readonly versions: readonly [oldest: number, newest: number];
  /** First version with compact lengths and tagged fields (KIP-482). */
  readonly flexible: number | 'never';
  /** A newer version only adds fields at the end: the known ones are read. */
  readonly readsNewer?: true;
}

export class Versioned<Fields extends Shape> {
  readonly spec: VersionedSpec<Fields>;
  readonly #codecs: Codec<Decoded<Fields>, Encodable<Fields>>[] = [];

  constructor(spec: VersionedSpec<Fields>) {
    this.spec = spec;
  }

  /** Fields that the version lacks are left out. */
  write(version: number, fields: Encodable<Fields>): Buffer {
    const writer = new ByteWriter(256);
    writer.int16(version);
    this.#codec(version).write(writer, fields);
    return writer.finish();
  }

  /** @throws MalformedMessage */
  read(bytes: Buffer): Decoded<Fields> {
    const reader = new ByteReader(bytes);
    return this.#codec(this.#versionAt(reader)).read(reader);
  }

  /** The version that `read` uses. @throws MalformedMessage */
  versionOf(bytes: Buffer): number {
    return this.#versionAt(new ByteReader(bytes));
  }

  #versionAt(reader: ByteReader): number {
    const said = reader.int16();
    return this.spec.readsNewer ? Math.min(said, this.spec.versions[1]) : said;
  }

  #codec(version: number): Codec<Decoded<Fields>, Encodable<Fields>> {
    const { name, versions, flexible, fields } = this.spec;
    const [oldest, newest] = versions;
    if (version < oldest || version > newest)
      throw new MalformedMessage(`${name}: version ${version}, expected ${oldest} to ${newest}`);
    const form = { name, version, flexible: flexible !== 'never' && version >= flexible, strict: false };
    return (this.#codecs[version] ??= compile(fields, form));
  }
}

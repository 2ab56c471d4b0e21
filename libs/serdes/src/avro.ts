// Avro's binary encoding, by the writer's schema. Values are plain: a record is an object, a union its branch's value, bytes
// a Buffer, a long a number where that is exact and else a bigint. Logical types are not interpreted.
import type { AvroRecord, AvroType, AvroUnion } from './avro-schema.ts';
import { nameOf } from './avro-schema.ts';
import { readString } from './primitives.ts';
import { checkValueSize, VALUE_LIMITS, WrongType } from './value.ts';
import { Cursor, writeVarint } from './varint.ts';

/** @throws WrongType: other bytes than the schema's, some left over, or more than `VALUE_LIMITS`. */
export function readAvro(type: AvroType, bytes: Buffer): unknown {
  checkValueSize(bytes);
  const reader = new AvroReader(bytes);
  const value = reader.read(type, 0);
  const left = bytes.length - reader.cursor.at;
  if (left > 0) throw new WrongType(`expected the end of the value, got ${left} more bytes`);
  return value;
}

class AvroReader {
  readonly cursor: Cursor;
  #items = 0;

  constructor(bytes: Buffer) {
    this.cursor = new Cursor(bytes);
  }

  read(type: AvroType, depth: number): unknown {
    const { cursor } = this;
    if (depth > VALUE_LIMITS.depth) throw new WrongType(`expected at most ${VALUE_LIMITS.depth} nested values`);
    switch (type.kind) {
      case 'null':
        return null;
      case 'boolean':
        return this.#boolean();
      case 'int':
        return cursor.int();
      case 'long':
        return cursor.long();
      case 'float':
        return cursor.bytes.readFloatLE(cursor.take(4));
      case 'double':
        return cursor.bytes.readDoubleLE(cursor.take(8));
      case 'bytes':
        return this.#bytes(cursor.long());
      case 'fixed':
        return this.#bytes(type.size);
      case 'string':
        return readString(this.#bytes(cursor.long()));
      case 'enum':
        return this.#choice(type.symbols, nameOf(type));
      case 'union':
        return this.read(this.#choice(type.branches, 'the union'), depth + 1);
      case 'array':
        return this.#array(type.items, depth);
      case 'map':
        return this.#map(type.values, depth);
      case 'record':
        return this.#record(type, depth);
    }
  }

  #boolean(): boolean {
    const byte = this.cursor.byte();
    if (byte > 1) throw new WrongType(`expected a boolean, got byte ${byte}`);
    return byte === 1;
  }

  #bytes(length: number | bigint): Buffer {
    const start = this.cursor.take(Number(length));
    return this.cursor.bytes.subarray(start, this.cursor.at);
  }

  #choice<Choice>(choices: readonly Choice[], name: string): Choice {
    const index = this.cursor.long();
    const choice = typeof index === 'number' ? choices[index] : undefined;
    if (choice === undefined) throw new WrongType(`expected one of the ${choices.length} of ${name}, got ${index}`);
    return choice;
  }

  #record(type: AvroRecord, depth: number): unknown {
    const record: Record<string, unknown> = {};
    for (const field of type.fields) set(record, field.name, this.read(field.type, depth + 1));
    return record;
  }

  #array(items: AvroType, depth: number): unknown[] {
    const array: unknown[] = [];
    for (let count = this.#block(); count > 0; count = this.#block())
      for (let n = 0; n < count; n++) array.push(this.read(items, depth + 1));
    return array;
  }

  #map(values: AvroType, depth: number): unknown {
    const map: Record<string, unknown> = {};
    for (let count = this.#block(); count > 0; count = this.#block())
      for (let n = 0; n < count; n++)
        set(map, readString(this.#bytes(this.cursor.long())), this.read(values, depth + 1));
    return map;
  }

  /** The count of a block's items; a negative one is followed by the block's size in bytes. */
  #block(): number {
    const count = this.cursor.long();
    if (count < 0) this.cursor.long();
    const items = Math.abs(Number(count));
    this.#items += items;
    if (this.#items > VALUE_LIMITS.items) throw new WrongType(`expected at most ${VALUE_LIMITS.items} items`);
    return items;
  }
}

/** `__proto__` is an ordinary name in data. */
function set(object: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(object, name, { value, enumerable: true, writable: true });
  else object[name] = value;
}

/** An absent field has its default. @throws WrongType with the place of a value that the schema does not allow. */
export function writeAvro(type: AvroType, value: unknown): Buffer {
  const parts: Buffer[] = [];
  write(type, value, parts, '$');
  return Buffer.concat(parts);
}

function write(type: AvroType, value: unknown, parts: Buffer[], place: string): void {
  switch (type.kind) {
    case 'null':
      if (value !== null && value !== undefined) throw wrong(type, value, place);
      return;
    case 'boolean':
      if (typeof value !== 'boolean') throw wrong(type, value, place);
      parts.push(Buffer.of(value ? 1 : 0));
      return;
    case 'int':
      if (typeof value !== 'number' || value !== (value | 0)) throw wrong(type, value, place);
      parts.push(writeVarint(value));
      return;
    case 'long':
      if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) throw wrong(type, value, place);
      if (BigInt.asIntN(64, BigInt(value as number)) !== BigInt(value as number)) throw wrong(type, value, place);
      parts.push(writeVarint(value as number | bigint));
      return;
    case 'float':
    case 'double':
      if (typeof value !== 'number') throw wrong(type, value, place);
      parts.push(floating(type.kind, value));
      return;
    case 'string':
      if (typeof value !== 'string') throw wrong(type, value, place);
      parts.push(writeVarint(Buffer.byteLength(value)), Buffer.from(value));
      return;
    case 'bytes':
      if (!(value instanceof Uint8Array)) throw wrong(type, value, place);
      parts.push(writeVarint(value.length), Buffer.from(value));
      return;
    case 'fixed':
      if (!(value instanceof Uint8Array) || value.length !== type.size) throw wrong(type, value, place);
      parts.push(Buffer.from(value));
      return;
    case 'enum': {
      const index = type.symbols.indexOf(value as string);
      if (index < 0) throw wrong(type, value, place);
      parts.push(writeVarint(index));
      return;
    }
    case 'union': {
      const index = branchOf(type, value);
      if (index < 0) throw wrong(type, value, place);
      parts.push(writeVarint(index));
      write(type.branches[index] as AvroType, value, parts, place);
      return;
    }
    case 'array':
      if (!Array.isArray(value)) throw wrong(type, value, place);
      if (value.length > 0) parts.push(writeVarint(value.length));
      value.forEach((item, index) => write(type.items, item, parts, `${place}[${index}]`));
      parts.push(writeVarint(0));
      return;
    case 'map': {
      if (!isObject(value)) throw wrong(type, value, place);
      const entries = Object.entries(value);
      if (entries.length > 0) parts.push(writeVarint(entries.length));
      for (const [key, item] of entries) {
        parts.push(writeVarint(Buffer.byteLength(key)), Buffer.from(key));
        write(type.values, item, parts, `${place}.${key}`);
      }
      parts.push(writeVarint(0));
      return;
    }
    case 'record':
      if (!isObject(value)) throw wrong(type, value, place);
      for (const field of type.fields) {
        const given = value[field.name];
        write(field.type, given === undefined ? field.default?.value : given, parts, `${place}.${field.name}`);
      }
  }
}

function floating(kind: 'float' | 'double', value: number): Buffer {
  const bytes = Buffer.allocUnsafe(kind === 'float' ? 4 : 8);
  if (kind === 'float') bytes.writeFloatLE(value);
  else bytes.writeDoubleLE(value);
  return bytes;
}

/** The first branch whose kind of value it is; -1 if there is none. */
const branchOf = ({ branches }: AvroUnion, value: unknown): number =>
  branches.findIndex((branch) => isOfKind(branch, value));

function isOfKind(type: AvroType, value: unknown): boolean {
  switch (type.kind) {
    case 'null':
      return value === null || value === undefined;
    case 'boolean':
      return typeof value === 'boolean';
    case 'int':
      return typeof value === 'number' && value === (value | 0);
    case 'long':
      return typeof value === 'bigint' || Number.isSafeInteger(value);
    case 'float':
    case 'double':
      return typeof value === 'number';
    case 'string':
      return typeof value === 'string';
    case 'bytes':
      return value instanceof Uint8Array;
    case 'fixed':
      return value instanceof Uint8Array && value.length === type.size;
    case 'enum':
      return type.symbols.includes(value as string);
    case 'array':
      return Array.isArray(value);
    case 'map':
      return isObject(value);
    case 'record':
      return (
        isObject(value) &&
        type.fields.every(({ name, default: fallback }) => value[name] !== undefined || fallback !== undefined)
      );
    case 'union':
      return branchOf(type, value) >= 0;
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);

const wrong = (type: AvroType, value: unknown, place: string): WrongType =>
  new WrongType(`${place}: expected ${nameOf(type)}, got ${typeof value}`);

// Values without a schema, as Kafka's own serializers write them (org.apache.kafka.common.serialization): UTF-8, and big-endian
// numbers of a fixed size.
import { WrongType } from './value.ts';

export type PrimitiveFormat = 'string' | 'int' | 'float';

const SIZE = { int: 4, float: 4 } as const;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const isPrimitive = (format: string): format is PrimitiveFormat =>
  format === 'string' || format === 'int' || format === 'float';

/** @throws WrongType */
export function readPrimitive(format: PrimitiveFormat, bytes: Buffer): string | number {
  if (format === 'string') return readString(bytes);
  if (bytes.length !== SIZE[format])
    throw new WrongType(`expected the ${SIZE[format]} bytes of ${format}, got ${bytes.length}`);
  return format === 'int' ? bytes.readInt32BE(0) : bytes.readFloatBE(0);
}

/** @throws WrongType */
export function writePrimitive(format: PrimitiveFormat, value: unknown): Buffer {
  if (format === 'string') {
    if (typeof value !== 'string') throw new WrongType(`expected a string, got ${typeof value}`);
    return Buffer.from(value);
  }
  if (typeof value !== 'number') throw new WrongType(`expected a number, got ${typeof value}`);
  const bytes = Buffer.allocUnsafe(SIZE[format]);
  if (format === 'float') bytes.writeFloatBE(value);
  else if (value === (value | 0)) bytes.writeInt32BE(value);
  else throw new WrongType(`expected a whole number of 32 bits, got ${value}`);
  return bytes;
}

/** @throws WrongType */
export function readString(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new WrongType('expected UTF-8');
  }
}

/** @throws WrongType */
export function readJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(readString(bytes));
  } catch (failure) {
    if (failure instanceof WrongType) throw failure;
    throw new WrongType('expected JSON');
  }
}

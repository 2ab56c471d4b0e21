// Protobuf's binary encoding, by the message's schema. Values have the names of Protobuf's JSON mapping (lowerCamelCase); a
// field that was not sent is absent if its presence is tracked, and else has its default, as its language's readers say.
import protobuf from 'protobufjs';
import { checkValueSize, VALUE_LIMITS, WrongType } from './value.ts';

/** @throws WrongType */
export function readProtobuf(type: protobuf.Type, bytes: Buffer): unknown {
  checkValueSize(bytes);
  try {
    return valueOf(type, type.decode(bytes) as unknown as Fields, 0);
  } catch (failure) {
    if (failure instanceof WrongType) throw failure;
    throw new WrongType(`expected a ${type.name}: ${(failure as Error).message.split('\n')[0]}`);
  }
}

/** @throws WrongType */
export function writeProtobuf(type: protobuf.Type, value: Readonly<Record<string, unknown>>): Buffer {
  const problem = type.verify(value);
  if (problem !== null) throw new WrongType(problem);
  return Buffer.from(type.encode(type.create(value)).finish());
}

type Fields = Readonly<Record<string, unknown>>;

function valueOf(type: protobuf.Type, message: Fields, depth: number): Record<string, unknown> {
  if (depth > VALUE_LIMITS.depth) throw new WrongType(`expected at most ${VALUE_LIMITS.depth} nested messages`);
  const value: Record<string, unknown> = {};
  for (const field of type.fieldsArray) {
    const isSet = Object.hasOwn(message, field.name);
    if (!isSet && field.hasPresence && !field.repeated && !field.map) continue;
    value[field.name] = plain(field, message[field.name], depth);
  }
  return value;
}

function plain(field: protobuf.Field, value: unknown, depth: number): unknown {
  if (field.repeated) return (value as readonly unknown[]).map((item) => single(field, item, depth));
  if (!field.map) return single(field, value, depth);
  return Object.fromEntries(Object.entries(value as Fields).map(([key, item]) => [key, single(field, item, depth)]));
}

function single({ resolvedType }: protobuf.Field, value: unknown, depth: number): unknown {
  if (resolvedType instanceof protobuf.Type) return valueOf(resolvedType, value as Fields, depth + 1);
  if (resolvedType instanceof protobuf.Enum) return resolvedType.valuesById[value as number] ?? value;
  return isLong(value) ? exact(value) : value;
}

/** What protobufjs makes of 64 bits: an object of the package `long`. */
const isLong = (value: unknown): value is Integer64 =>
  typeof value === 'object' && value !== null && 'low' in value && 'unsigned' in value;

interface Integer64 {
  toNumber(): number;
  toString(): string;
}

/** A number where that is exact, else a bigint. */
function exact(long: Integer64): number | bigint {
  const number = long.toNumber();
  return Number.isSafeInteger(number) ? number : BigInt(long.toString());
}

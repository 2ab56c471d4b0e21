// A field is a type on the wire and the versions in which it exists. Fields are values: every modifier returns a new
// one. The decoded and the accepted type of a field are inferred from its declaration; nothing is declared twice.
import type { BrokerId, ErrorCode, LeaderEpoch, Offset, Timestamp, Uuid } from '@milepost/core';
import { ZERO_UUID } from '@milepost/core';

/** Named like the method of ByteReader and ByteWriter that carries it. */
export type Plain = 'int8' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'int64' | 'long' | 'float64' | 'bool' | 'uuid';

export type Kind =
  | { readonly type: Plain | 'string' | 'bytes' }
  | { readonly type: 'array'; readonly item: AnyField }
  | { readonly type: 'struct'; readonly shape: Shape };

interface Rules {
  readonly since: number;
  readonly until: number;
  readonly nullableSince: number;
  /** -1: not in the tagged section. */
  readonly tag: number;
  readonly ignorable: boolean;
  /** undefined: none was stated. */
  readonly fallback: unknown;
}

const everywhere: Rules = {
  since: 0,
  until: Number.POSITIVE_INFINITY,
  nullableSince: Number.POSITIVE_INFINITY,
  tag: -1,
  ignorable: false,
  fallback: undefined,
};

export class Field<Out, In = Out> {
  /** Types only: of decoding, and of encoding. */
  declare readonly out: Out;
  declare readonly in: In;
  readonly kind: Kind;
  readonly rules: Rules;

  constructor(kind: Kind, rules: Rules = everywhere) {
    this.kind = kind;
    this.rules = rules;
  }

  /** Exists from this version on; older versions decode to the default. */
  since(version: number): Field<Out, In | undefined> {
    return this.#with({ since: version });
  }
  /** Exists up to and including this version; newer versions decode to the default. */
  until(version: number): Field<Out, In | undefined> {
    return this.#with({ until: version });
  }
  /** May be null on the wire, from the given version on. */
  nullable(since = 0): Field<Out | null, In | null> {
    return this.#with({ nullableSince: since });
  }
  /**
   * The decoded value in a version without the field, and the written one if the caller leaves it out. Without a
   * default the decoded value is the type's zero, and the caller must set the field.
   */
  default(fallback: Out): Field<Out, In | undefined> {
    return this.#with({ fallback });
  }
  /** In the tagged section (KIP-482), and only when it differs from its default. */
  tag(number: number): Field<Out, In | undefined> {
    return this.#with({ tag: number });
  }
  /** A request may have a value for it in a version that lacks it: the value is then left out silently. */
  ignorable(): Field<Out, In> {
    return this.#with({ ignorable: true });
  }
  /** The same bytes under a narrower type, such as a branded Offset. Comes first, before any other modifier. */
  as<Narrow extends Out>(): Field<Narrow> {
    return new Field(this.kind, this.rules);
  }

  #with(change: Partial<Rules>): AnyField {
    return new Field(this.kind, { ...this.rules, ...change });
  }
}

export type AnyField = Field<any, any>;
/** Fields by name, in the order of the wire. */
export type Shape = { readonly [name: string]: AnyField };

export type Decoded<S extends Shape> = { readonly [K in keyof S]: S[K]['out'] };
type Omittable<S extends Shape> = { [K in keyof S]: undefined extends S[K]['in'] ? K : never }[keyof S];
/** Fields with a default, or that some version lacks, may be left out. */
export type Encodable<S extends Shape> = { readonly [K in Exclude<keyof S, Omittable<S>>]: S[K]['in'] } & {
  readonly [K in Omittable<S>]?: S[K]['in'];
};

export const int8 = new Field<number>({ type: 'int8' });
export const int16 = new Field<number>({ type: 'int16' });
export const uint16 = new Field<number>({ type: 'uint16' });
export const int32 = new Field<number>({ type: 'int32' });
export const uint32 = new Field<number>({ type: 'uint32' });
/** Opaque 64 bits, such as a producer id. */
export const int64 = new Field<bigint>({ type: 'int64' });
/** 64 bits with a meaning: an offset, a time, a size. Saturates at ±(2^53 - 1). */
export const long = new Field<number>({ type: 'long' });
export const float64 = new Field<number>({ type: 'float64' });
export const bool = new Field<boolean>({ type: 'bool' });
export const uuid = new Field<Uuid>({ type: 'uuid' });
/** At most 32,767 bytes of UTF-8. */
export const string = new Field<string>({ type: 'string' });
/** Decodes to a view into the frame: copy it to keep it past the request. */
export const bytes = new Field<Buffer, Uint8Array>({ type: 'bytes' });
/** Record batches, as bytes: passed through without a copy and without being parsed. */
export const records = new Field<Buffer | null, Uint8Array | null>(
  { type: 'bytes' },
  { ...everywhere, nullableSince: 0, fallback: null },
);

export const offset = long.as<Offset>();
export const timestamp = long.as<Timestamp>();
export const leaderEpoch = int32.as<LeaderEpoch>();
export const brokerId = int32.as<BrokerId>();
export const errorCode = int16.as<ErrorCode>();

export function struct<S extends Shape>(shape: S): Field<Decoded<S>, Encodable<S>> {
  return new Field({ type: 'struct', shape });
}

export function array<Out, In>(item: Field<Out, In>): Field<readonly Out[], readonly In[]>;
export function array<S extends Shape>(shape: S): Field<readonly Decoded<S>[], readonly Encodable<S>[]>;
export function array(item: AnyField | Shape): AnyField {
  return new Field({ type: 'array', item: item instanceof Field ? item : struct(item) });
}

/** The declared default, or the zero of the type, as in Kafka's own schemas. */
export function fallbackOf({ kind, rules }: AnyField): unknown {
  if (rules.fallback !== undefined) return rules.fallback;
  switch (kind.type) {
    case 'int64':
      return 0n;
    case 'bool':
      return false;
    case 'uuid':
      return ZERO_UUID;
    case 'string':
      return '';
    case 'bytes':
      return Buffer.alloc(0);
    case 'array':
      return Object.freeze([]);
    case 'struct':
      return Object.freeze(
        Object.fromEntries(Object.entries(kind.shape).map(([name, field]) => [name, fallbackOf(field)])),
      );
    default:
      return 0;
  }
}

/** Whether a value equals its field's default: a left-out field is its default. */
export function isDefault(value: unknown, fallback: unknown): boolean {
  if (value === undefined || value === fallback) return true;
  if (typeof value !== 'object' || typeof fallback !== 'object' || value === null || fallback === null) return false;
  if (Array.isArray(value)) return value.length === 0 && (fallback as unknown[]).length === 0;
  if (value instanceof Uint8Array) return value.length === 0 && (fallback as Uint8Array).length === 0;
  return Object.entries(fallback).every(([name, inner]) => isDefault((value as Record<string, unknown>)[name], inner));
}

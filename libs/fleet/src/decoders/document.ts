// One JSON document of a device, read field by field. A bad required field is the reason to reject the whole document.
// A bad optional one is dropped and noted in the record's headers. Reading continues after a bad field, so that a
// decoder is a list of fields and checks `problem` once, at the end.
import { type DecoderContext, type Marks, type Rejected, rejected, type RejectionReason } from '../decoder.ts';
import type { ExactJson } from '../json.ts';
import { type NumberField, RANGES } from '../position.ts';
import { isoTime, parseTime } from '../time.ts';
import { type Fields, objectsOf, shown } from './payload.ts';

/** A number of the document for the position, with the device's digits if they differ from `String(value)`. */
export interface DeviceNumber {
  readonly value: number;
  readonly digits: string | undefined;
}

export interface DeviceTime {
  readonly ts: string;
  readonly timeMs: number;
}

/** The object that contains a value, and the value's key in it. */
export interface Located {
  readonly holder: Readonly<Record<string, unknown>>;
  readonly key: string;
}
export type Locate = (fields: Readonly<Record<string, unknown>>, key: string) => Located | undefined;

const FIRST_MILLISECONDS = 1e11;
const FIRST_MICROSECONDS = 1e14;
const FIRST_NANOSECONDS = 1e17;
/** A number in JSON's syntax: such a text in quotes can be written to a record unchanged. */
const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/;
/** For a header that people read. */
const MAX_DROPPED_CHARS = 200;

export class Document {
  problem: Rejected | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly #json: ExactJson;
  readonly #locate: Locate | undefined;
  #dropped: string | undefined;

  /** The documents of a payload, in order. */
  static parse(payload: Buffer): readonly Document[] | Rejected {
    const objects = objectsOf(payload);
    return 'kind' in objects ? objects : objects.map((object) => new Document(object));
  }

  /** `locate` finds a key elsewhere in the document; without it, keys are those of the object itself. */
  constructor({ json, fields }: Fields, locate?: Locate) {
    this.#json = json;
    this.fields = fields;
    this.#locate = locate;
  }

  /** An object within this one, whose numbers keep their digits too. */
  inner(fields: Readonly<Record<string, unknown>>, locate?: Locate): Document {
    return new Document({ json: this.#json, fields }, locate);
  }

  /** The value in the document; null, which devices send for "unknown", counts as absent. */
  field(key: string): unknown {
    const at = this.#locate?.(this.fields, key);
    if (this.#locate !== undefined && at === undefined) return undefined;
    return ownField(at?.holder ?? this.fields, at?.key ?? key);
  }

  /** A number for `field` of the position, times `factor`. One out of its range is dropped. */
  number(key: string, field: NumberField, factor = 1): DeviceNumber | undefined {
    const number = this.#read(key, factor);
    if (number === undefined) return undefined;
    if (isWithin(field, number.value)) return number;
    this.drop(field, number.digits ?? this.field(key));
    return undefined;
  }

  requiredNumber(key: string, field: NumberField, factor = 1): DeviceNumber {
    const number = this.#read(key, factor);
    if (number !== undefined && isWithin(field, number.value)) return number;
    const { from, to } = RANGES[field];
    if (this.field(key) === undefined) this.reject('missing-field', `${key}: expected a number, saw nothing`);
    else {
      const reason = number === undefined || Number.isNaN(number.value) ? 'wrong-type' : 'out-of-range';
      const seen = number?.digits ?? shown(this.field(key));
      this.reject(reason, `${key}: expected a number from ${from} to ${to}, saw ${seen}`);
    }
    return number ?? { value: 0, digits: undefined };
  }

  /** true, false, 1, 0, "on", "off" and their like; anything else is dropped. */
  boolean(key: string): boolean | undefined {
    const value = this.field(key);
    if (value === undefined || typeof value === 'boolean') return value;
    const text = typeof value === 'number' || typeof value === 'string' ? `${value}`.toLowerCase() : '';
    if (text === '1' || text === 'true' || text === 'on') return true;
    if (text === '0' || text === 'false' || text === 'off') return false;
    this.drop(key, value);
    return undefined;
  }

  /**
   * ISO text, unchanged, or a number since 1970, converted to ISO: its size distinguishes seconds, milliseconds,
   * microseconds and nanoseconds. Absent: the receive time. An unreadable one is a reason to reject.
   */
  time(key: string, { receivedAtMs, timeIsReceived }: DecoderContext): DeviceTime {
    const value = timeIsReceived ? undefined : this.field(key);
    if (value === undefined) return { ts: isoTime(receivedAtMs) ?? '', timeMs: receivedAtMs };
    const number = typeof value === 'string' && JSON_NUMBER.test(value) ? Number(value) : value;
    const timeMs =
      typeof number === 'number' ? sinceEpochMs(number) : typeof value === 'string' ? parseTime(value) : undefined;
    const ts = typeof number === 'string' ? number : timeMs === undefined ? undefined : isoTime(timeMs);
    if (timeMs === undefined || ts === undefined) {
      this.reject('unreadable-time', `${key}: expected an ISO 8601 time, saw ${shown(value)}`);
      return { ts: '', timeMs: 0 };
    }
    return { ts, timeMs };
  }

  /** Drops an optional field. */
  drop(field: string, seen: unknown): void {
    const what = `${field}=${typeof seen === 'string' ? seen : shown(seen)}`.replaceAll(/[^\x20-\x7e]/g, '?');
    const all = this.#dropped === undefined ? what : `${this.#dropped}, ${what}`;
    this.#dropped = all.slice(0, MAX_DROPPED_CHARS);
  }

  reject(reason: RejectionReason, detail: string): void {
    this.problem ??= rejected(reason, detail);
  }

  /** For the record's headers. */
  marks(lat: number, lon: number): { readonly marks?: Marks } {
    const hasFix = lat !== 0 || lon !== 0;
    if (this.#dropped === undefined && hasFix) return NO_MARKS;
    const dropped = this.#dropped === undefined ? {} : { dropped: this.#dropped };
    return { marks: hasFix ? dropped : { ...dropped, fix: 'none' } };
  }

  /** Undefined: absent. NaN: present, but not a number. */
  #read(key: string, factor: number): DeviceNumber | undefined {
    const value = this.field(key);
    if (value === undefined) return undefined;
    if (typeof value === 'string') {
      const isNumber = JSON_NUMBER.test(value);
      const number = isNumber ? Number(value) * factor : Number.NaN;
      return { value: number, digits: factor === 1 && isNumber && String(number) !== value ? value : undefined };
    }
    if (typeof value !== 'number') return { value: Number.NaN, digits: undefined };
    if (factor !== 1) return { value: rounded(value * factor), digits: undefined };
    const at = this.#locate?.(this.fields, key);
    return { value, digits: this.#json.digitsOf(at?.holder ?? this.fields, at?.key ?? key) };
  }
}

const NO_MARKS = {};

function ownField(holder: Readonly<Record<string, unknown>>, key: string): unknown {
  const value = holder[key];
  if (value === undefined || value === null) return undefined;
  return Object.hasOwn(holder, key) ? value : undefined; // otherwise it is a member of every object, such as `constructor`
}

const isWithin = (field: NumberField, value: number): boolean =>
  value >= RANGES[field].from && value <= RANGES[field].to;

/** A conversion adds digits that were not measured: 11.1 m/s are 39.96 km/h, not 39.959999999999994. */
const rounded = (value: number): number => Math.round(value * 1e7) / 1e7;

function sinceEpochMs(value: number): number {
  const size = Math.abs(value);
  if (size < FIRST_MILLISECONDS) return Math.round(value * 1000);
  if (size < FIRST_MICROSECONDS) return Math.round(value);
  return Math.round(size < FIRST_NANOSECONDS ? value / 1000 : value / 1_000_000);
}

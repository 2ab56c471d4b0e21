// One JSON document of a device, read field by field. The first field that is wrong becomes the reason for rejecting
// all of it; reading goes on harmlessly, so that a decoder is a list of fields and asks once, at the end.
import { type Rejected, rejected, type RejectionReason } from '../decoder.ts';
import { type ExactJson, parseJson } from '../json.ts';
import { type NumberField, RANGES } from '../position.ts';
import { isoTime, parseTime } from '../time.ts';

/** Positions are a few hundred bytes. Parsing megabytes of JSON would hold up every other device. */
const MAX_DOCUMENT_BYTES = 64 * 1024;
const SHOWN_CHARS = 60;

/** A document's number that a position will carry, with the device's digits where they differ from `String(value)`. */
export interface DeviceNumber {
  readonly value: number;
  readonly digits: string | undefined;
}

export interface DeviceTime {
  readonly ts: string;
  readonly timeMs: number;
}

export class Document {
  problem: Rejected | undefined;
  readonly #json: ExactJson;
  readonly #fields: Readonly<Record<string, unknown>>;

  static parse(payload: Buffer): Document | Rejected {
    if (payload.length === 0) return rejected('empty', 'expected a JSON object, saw an empty payload');
    if (payload.length > MAX_DOCUMENT_BYTES) {
      return rejected('too-large', `expected at most ${MAX_DOCUMENT_BYTES} bytes, saw ${payload.length}`);
    }
    const json = parseJson(payload);
    if (!json) return rejected('malformed', `expected a JSON object, saw ${shown(payload.toString('utf8'))}`);
    if (typeof json.value !== 'object' || json.value === null || Array.isArray(json.value)) {
      return rejected('malformed', `expected a JSON object, saw ${shown(json.value)}`);
    }
    return new Document(json, json.value as Record<string, unknown>);
  }

  private constructor(json: ExactJson, fields: Readonly<Record<string, unknown>>) {
    this.#json = json;
    this.#fields = fields;
  }

  /** As it stands in the document; null, as devices write it for "not known", is absent. */
  field(key: string): unknown {
    const value = this.#fields[key];
    if (value === undefined || value === null) return undefined;
    return Object.hasOwn(this.#fields, key) ? value : undefined; // else it is what every object has, as `constructor`
  }

  /** A number that goes into `field` of the position, within its range. */
  number(key: string, field: NumberField): DeviceNumber | undefined {
    const value = this.field(key);
    if (value === undefined) return undefined;
    const { from, to } = RANGES[field];
    if (typeof value !== 'number') {
      return this.#wrong('wrong-type', `${key}: expected a number from ${from} to ${to}, saw ${shown(value)}`);
    }
    const digits = this.#json.digitsOf(this.#fields, key);
    if (!(value >= from && value <= to)) {
      return this.#wrong('out-of-range', `${key}: expected a number from ${from} to ${to}, saw ${digits ?? value}`);
    }
    return { value, digits };
  }

  requiredNumber(key: string, field: NumberField): DeviceNumber {
    const number = this.number(key, field);
    if (number === undefined) this.#wrong('missing-field', `${key}: expected a number, saw nothing`);
    return number ?? { value: 0, digits: undefined };
  }

  boolean(key: string): boolean | undefined {
    const value = this.field(key);
    if (value === undefined || typeof value === 'boolean') return value;
    return this.#wrong('wrong-type', `${key}: expected true or false, saw ${shown(value)}`);
  }

  /** ISO text, kept as it is, or a number since 1970 in `unitMs`, written as ISO. Absent: when it was received. */
  time(key: string, numberUnitMs: number, receivedAtMs: number): DeviceTime {
    const value = this.field(key);
    const timeMs =
      value === undefined
        ? receivedAtMs
        : typeof value === 'number'
          ? Math.round(value * numberUnitMs)
          : typeof value === 'string'
            ? parseTime(value)
            : undefined;
    const ts = typeof value === 'string' ? value : timeMs === undefined ? undefined : isoTime(timeMs);
    if (timeMs === undefined || ts === undefined) {
      this.#wrong('unreadable-time', `${key}: expected an ISO 8601 time, saw ${shown(value)}`);
      return { ts: '', timeMs: 0 };
    }
    return { ts, timeMs };
  }

  #wrong(reason: RejectionReason, detail: string): undefined {
    this.problem ??= rejected(reason, detail);
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}

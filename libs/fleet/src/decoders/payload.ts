// Parses a payload before its fields are read: JSON documents, one or several. Firmware compresses, writes a byte order
// mark, UTF-16 or a trailing NUL, sends arrays and lines of JSON; all of that is removed here, within named limits.
import { inflateSync, gunzipSync } from 'node:zlib';
import { type Rejected, rejected } from '../decoder.ts';
import { type ExactJson, parseJson } from '../json.ts';

/** Positions are a few hundred bytes. Parsing megabytes of JSON would delay every other device. */
export const MAX_DOCUMENT_BYTES = 64 * 1024;
const SHOWN_CHARS = 60;

/** One JSON object of a payload. */
export interface Fields {
  readonly json: ExactJson;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The objects of a payload, in order: one, those of an array, or one for each line. */
export function objectsOf(payload: Buffer): readonly Fields[] | Rejected {
  const plain = bytesOf(payload, 'a JSON object');
  if (!Buffer.isBuffer(plain)) return plain;
  const json = parseJson(plain);
  if (json) return objectsIn(json, plain);
  const text = tidied(plain);
  const tidyJson = text === undefined ? undefined : parseJson(Buffer.from(text));
  if (tidyJson) return objectsIn(tidyJson, plain);
  return linesOf(text ?? plain.toString()) ?? malformed(plain.toString());
}

/** The payload as text: decompressed, without a byte order mark and trailing NULs. */
export function textOf(payload: Buffer): string | Rejected {
  const plain = bytesOf(payload, 'text');
  return Buffer.isBuffer(plain) ? (tidied(plain) ?? plain.toString()) : plain;
}

function bytesOf(payload: Buffer, expected: string): Buffer | Rejected {
  const plain = decompressed(payload);
  if (!Buffer.isBuffer(plain)) return plain;
  if (plain.length === 0) return rejected('empty', `expected ${expected}, saw an empty payload`);
  if (plain.length > MAX_DOCUMENT_BYTES)
    return rejected('too-large', `expected at most ${MAX_DOCUMENT_BYTES} bytes, saw ${plain.length}`);
  return plain;
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}

const malformed = (seen: unknown): Rejected => rejected('malformed', `expected a JSON object, saw ${shown(seen)}`);

function objectsIn(json: ExactJson, payload: Buffer): readonly Fields[] | Rejected {
  const { value } = json;
  if (isObject(value)) return [{ json, fields: value }];
  if (!Array.isArray(value)) return malformed(payload.toString());
  if (value.length === 0) return rejected('empty', 'expected a position, saw an empty list');
  const other: unknown = value.find((item) => !isObject(item));
  return other === undefined ? value.map((fields: Fields['fields']) => ({ json, fields })) : malformed(value);
}

/** Undefined unless each line is an object. */
function linesOf(text: string): readonly Fields[] | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length < 2) return undefined;
  const parsed = lines.flatMap((line) => {
    const json = parseJson(Buffer.from(line));
    return json && isObject(json.value) ? [{ json, fields: json.value }] : [];
  });
  return parsed.length === lines.length ? parsed : undefined;
}

/** Without a byte order mark and trailing NULs; UTF-16 as UTF-8. Undefined if that changes nothing. */
function tidied(payload: Buffer): string | undefined {
  const text = isUtf16(payload) ? payload.toString('utf16le') : payload.toString();
  const tidy = text.replace(/^\uFEFF/, '').replace(/[\0\s]+$/, '');
  return tidy === text && !isUtf16(payload) ? undefined : tidy;
}

/** Little endian, with or without a mark: every second byte of the JSON's first characters is zero. */
const isUtf16 = (payload: Buffer): boolean =>
  payload.length > 3 && payload[1] === (payload[0] === 0xff ? 0xfe : 0) && payload[3] === 0;

function decompressed(payload: Buffer): Buffer | Rejected {
  const isGzip = payload[0] === 0x1f && payload[1] === 0x8b;
  const isZlib = payload[0] === 0x78 && payload.length > 2 && (payload[0] * 256 + (payload[1] as number)) % 31 === 0;
  if (!isGzip && !isZlib) return payload;
  try {
    return (isGzip ? gunzipSync : inflateSync)(payload, { maxOutputLength: MAX_DOCUMENT_BYTES });
  } catch (error) {
    const isTooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    if (isTooLarge)
      return rejected('too-large', `expected at most ${MAX_DOCUMENT_BYTES} bytes when unpacked, saw more`);
    return rejected('malformed', `expected ${isGzip ? 'gzip' : 'zlib'} data, saw ${(error as Error).message}`);
  }
}

// Teltonika's formats: "Codec JSON" as text, Codec 8, 8 Extended and 16 as bytes (https://wiki.teltonika-gps.com/view/Codec).
//
//   00000000 | length u32 | codec u8 | count u8 | records | count u8 | CRC-16/IBM u32
//   record: time u64 ms | priority u8 | lon i32 1e-7 | lat i32 1e-7 | altitude i16 m | angle u16 | satellites u8 | speed u16 km/h | IO
//   IO:     event | total | then, for values of 1, 2, 4 and 8 bytes: count, and for each its id and value;
//           event, total, counts and ids are u8 in Codec 8, u16 in 8E (and 8E has values of any length behind the others);
//           in 16 event and ids are u16, a generation type u8 follows the event, total and counts are u8.
//
// Never reads beyond the payload; a record without satellites has no fix.
import { type Decoded, decodedAs, type DecodedItem, type DecoderContext, rejected } from '../decoder.ts';
import type { Position } from '../position.ts';
import { clockVerdict, isoTime } from '../time.ts';
import { decodeTeltonikaJson } from './formats.ts';

const NAME = 'teltonika';
const CODEC_8 = 0x08;
const CODEC_8E = 0x8e;
const CODEC_16 = 0x10;
const HEADER_BYTES = 8;
const IGNITION = 239;
const ODOMETER_M = 16;
const BATTERY_PCT = 113;

export function decodeTeltonika(payload: Buffer, context: DecoderContext): Decoded {
  if (payload.length < HEADER_BYTES || payload.readUInt32BE(0) !== 0) return decodeTeltonikaJson(payload, context);
  try {
    return decodeFrame(payload, context);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return rejected(
      'malformed',
      `expected a whole Codec 8, 8E or 16 frame, saw ${payload.length} bytes that end in the middle`,
    );
  }
}

/** @throws RangeError beyond the payload's end, like Buffer's own reads. */
function decodeFrame(payload: Buffer, context: DecoderContext): Decoded {
  const dataBytes = payload.readUInt32BE(4);
  const data = payload.subarray(HEADER_BYTES, HEADER_BYTES + dataBytes);
  if (payload.length !== HEADER_BYTES + dataBytes + 4)
    return rejected('malformed', `expected a frame of ${HEADER_BYTES + dataBytes + 4} bytes, saw ${payload.length}`);
  const crc = payload.readUInt32BE(HEADER_BYTES + dataBytes);
  if (crc !== crc16(data))
    return rejected('malformed', `expected CRC ${crc16(data).toString(16)}, saw ${crc.toString(16)}`);
  const codec = data.readUInt8(0);
  if (codec !== CODEC_8 && codec !== CODEC_8E && codec !== CODEC_16)
    return rejected('malformed', `expected codec 08, 8e or 10, saw ${codec.toString(16)}`);
  const reader = new Reader(data, 2);
  const count = data.readUInt8(1);
  const items = Array.from({ length: count }, () => decodeRecord(reader, codec, context));
  if (reader.u8() !== count || reader.at !== data.length)
    return rejected('malformed', `expected ${count} records that fill the frame, saw something else`);
  if (items.length === 0) return rejected('empty', 'expected a record, saw none');
  return decodedAs(items);
}

function decodeRecord(reader: Reader, codec: number, { truckId, receivedAtMs }: DecoderContext): DecodedItem {
  const timeMs = Number(reader.u64());
  reader.u8(); // priority
  const [lon, lat] = [reader.i32() / 1e7, reader.i32() / 1e7];
  const [altitudeM, headingDeg, satellites, speedKmh] = [reader.i16(), reader.u16(), reader.u8(), reader.u16()];
  const io = readIo(reader, codec);
  const ts = isoTime(timeMs);
  if (ts === undefined) return rejected('unreadable-time', `expected milliseconds since 1970, saw ${timeMs}`);
  if (Math.abs(lat) > 90 || Math.abs(lon) > 180)
    return rejected('out-of-range', `expected degrees, saw ${lat}, ${lon}`);
  const position: Position = {
    truckId,
    ts,
    lat,
    lon,
    ...(satellites === 0 ? {} : { speedKmh }),
    ...(headingDeg > 360 ? {} : { headingDeg }),
    altitudeM,
    ...(io.has(IGNITION) ? { ignition: io.get(IGNITION) === 1 } : {}),
    ...(io.has(ODOMETER_M) ? { odometerM: io.get(ODOMETER_M) as number } : {}),
    ...((io.get(BATTERY_PCT) ?? 101) <= 100 ? { batteryPct: io.get(BATTERY_PCT) as number } : {}),
    source: NAME,
  };
  const hasFix = satellites > 0 && (lat !== 0 || lon !== 0);
  const clock = clockVerdict(timeMs, receivedAtMs);
  return { kind: 'position', position, clock, ...(hasFix ? {} : { marks: { fix: 'none' } as const }) };
}

/** Values of up to four bytes by their id. */
function readIo(reader: Reader, codec: number): Map<number, number> {
  const isWide = codec === CODEC_8E;
  const id = () => (codec === CODEC_8 ? reader.u8() : reader.u16());
  const count = () => (isWide ? reader.u16() : reader.u8());
  const io = new Map<number, number>();
  id(); // the event
  if (codec === CODEC_16) reader.u8();
  count(); // of all
  for (const sizeBytes of [1, 2, 4, 8]) {
    for (let left = count(); left > 0; left--) {
      const name = id();
      if (sizeBytes === 8) reader.u64();
      else io.set(name, sizeBytes === 1 ? reader.u8() : sizeBytes === 2 ? reader.u16() : reader.u32());
    }
  }
  if (isWide) for (let left = count(); left > 0; left--) reader.skip((id(), reader.u16()));
  return io;
}

class Reader {
  at: number;
  readonly #bytes: Buffer;
  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }
  u8 = (): number => this.#bytes.readUInt8(this.#next(1));
  u16 = (): number => this.#bytes.readUInt16BE(this.#next(2));
  i16 = (): number => this.#bytes.readInt16BE(this.#next(2));
  u32 = (): number => this.#bytes.readUInt32BE(this.#next(4));
  i32 = (): number => this.#bytes.readInt32BE(this.#next(4));
  u64 = (): bigint => this.#bytes.readBigUInt64BE(this.#next(8));
  skip = (count: number): number => this.#next(count);

  #next(count: number): number {
    const at = this.at;
    if (at + count > this.#bytes.length) throw new RangeError('beyond the end');
    this.at += count;
    return at;
  }
}

/** CRC-16/ARC (IBM): polynomial A001 reflected, from 0. */
function crc16(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}

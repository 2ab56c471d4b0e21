// Walks over a batch's unpacked records without creating an object for each: for the validation of every produce, and
// for compaction.
//
//   length varint | attributes int8 | timestamp delta varlong | offset delta varint | key length varint, key |
//   value length varint, value | header count varint, headers: key length varint, key, value length varint, value
//
// Promises: every length is checked against its record, every record against the bytes, the count against both; for any
// bytes a walk ends in false or in MalformedMessage. A cursor can be reused for another batch.
import { MalformedMessage } from '@milepost/core';

const NONE = Buffer.alloc(0);

export class RecordCursor {
  /** The index of the record that `next` has found, from 0. */
  index = -1;
  /** Where the record begins, its length included, and where it ends. */
  start = 0;
  end = 0;
  timestampDelta = 0;
  offsetDelta = 0;
  /** The position of its offset delta: from there on all bytes are the same for any base timestamp. */
  restAt = 0;
  keyAt = 0;
  /** -1: no key. */
  keyLength = -1;
  /** -1: no value, a tombstone. */
  valueLength = -1;
  #bytes: Buffer = NONE;
  #count = 0;
  #at = 0;

  /** Starts before the first of `count` records in these bytes. */
  begin(bytes: Buffer, count: number): this {
    this.#bytes = bytes;
    this.#count = count;
    this.#at = 0;
    this.index = -1;
    return this;
  }

  /** The position of the walk; with an error: where it broke. */
  get position(): number {
    return this.#at;
  }

  /** False after the last one. @throws MalformedMessage */
  next(): boolean {
    const bytes = this.#bytes;
    const index = ++this.index;
    this.start = this.#at;
    if (index >= this.#count) {
      if (this.#at < bytes.length)
        this.#fail(`${bytes.length - this.#at} bytes after the last of ${this.#count} records`);
      return false;
    }
    const length = this.#varint(bytes.length);
    const end = this.#at + length;
    if (length < 0 || end > bytes.length) this.#fail(`length ${length}, ${bytes.length - this.#at} bytes left`);
    this.end = end;
    this.#skip(1, end); // attributes: none defined
    this.timestampDelta = this.#varlong(end);
    this.restAt = this.#at;
    this.offsetDelta = this.#varint(end);
    this.keyLength = this.#varint(end);
    this.keyAt = this.#at;
    if (this.keyLength > 0) this.#skip(this.keyLength, end);
    this.valueLength = this.#varint(end);
    if (this.valueLength > 0) this.#skip(this.valueLength, end);
    const headers = this.#varint(end);
    if (headers < 0 || headers > end - this.#at) this.#fail(`${headers} headers, ${end - this.#at} bytes left`);
    for (let left = headers; left > 0; left--) this.#header(end);
    if (this.#at !== end) this.#fail(`it ends at ${this.#at}, its length says ${end}`);
    return true;
  }

  #header(end: number): void {
    const keyLength = this.#varint(end);
    if (keyLength < 0) this.#fail(`a header key of length ${keyLength}`);
    this.#skip(keyLength, end);
    const valueLength = this.#varint(end);
    if (valueLength > 0) this.#skip(valueLength, end);
  }

  #skip(length: number, end: number): void {
    if (this.#at + length > end) this.#fail(`${length} bytes wanted, ${end - this.#at} left`);
    this.#at += length;
  }

  /** Zigzag, 32 bits. */
  #varint(end: number): number {
    const bytes = this.#bytes;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.#at >= end) this.#fail('a varint is cut off');
      const byte = bytes[this.#at++] as number;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    return this.#fail('a varint is longer than 5 bytes');
  }

  /** Zigzag, 64 bits, saturating at ±(2^53 - 1); nearly all of them are short. */
  #varlong(end: number): number {
    const bytes = this.#bytes;
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      if (this.#at >= end) this.#fail('a varlong is cut off');
      const byte = bytes[this.#at++] as number;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    return this.#restOfVarlong(BigInt(value), end);
  }

  #restOfVarlong(low: bigint, end: number): number {
    let value = low;
    for (let shift = 28n; shift < 70n; shift += 7n) {
      if (this.#at >= end) this.#fail('a varlong is cut off');
      const byte = this.#bytes[this.#at++] as number;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        const signed = BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
        return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(signed)));
      }
    }
    return this.#fail('a varlong is longer than 10 bytes');
  }

  #fail(flaw: string): never {
    throw new MalformedMessage(`record ${this.index} at ${this.start}: ${flaw}`);
  }
}

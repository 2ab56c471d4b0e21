// Unpacks one LZ4 frame, as written by Kafka's clients (independent blocks, no content checksum) and by the lz4 tools
// (content size, checksums, linked blocks).
//
//   04 22 4d 18 | flags | block size | [content size u64] | header checksum | blocks | 0 u32 | [content checksum u32]
//   flags: 6-7 version 1, 5 independent blocks, 4 block checksums, 3 content size, 2 content checksum, 0 dictionary
//   block: size u32 (top bit: stored as is) | bytes | [checksum u32]
//   sequence within a block: token (literal length, match length - 4) | [more length] | literals | distance u16 | [more length]
//
// The checksums are not verified: the batch's own CRC covers the same bytes.
import { ByteReader, MalformedMessage } from '@milepost/core';
import { STEP_BYTES, type Steps } from './steps.ts';
import { Unpacked } from './unpacked.ts';

const MAGIC = 0x184d_2204;
const INDEPENDENT = 0x20;
const BLOCK_CHECKSUM = 0x10;
const CONTENT_SIZE = 0x08;
const CONTENT_CHECKSUM = 0x04;
const STORED = 0x8000_0000;
const LEAST_MATCH = 4;

export function unpackLz4(bytes: Buffer, limitBytes: number): Buffer {
  const frame = frameOf(bytes);
  const output = new Unpacked('lz4', limitBytes);
  for (const block of frame.blocks) unpackBlock(block, frame, output);
  return finished(frame, output);
}

/** Yields after each megabyte that it has unpacked, or after a block, which may be four. */
export function* lz4Steps(bytes: Buffer, limitBytes: number): Steps<Buffer> {
  const frame = frameOf(bytes);
  const output = new Unpacked('lz4', limitBytes, limitBytes);
  let next = STEP_BYTES;
  for (const block of frame.blocks) {
    unpackBlock(block, frame, output);
    if (output.length < next) continue;
    next = output.length + STEP_BYTES;
    yield;
  }
  return finished(frame, output);
}

interface Frame {
  readonly blocks: readonly Block[];
  readonly blockBytes: number;
  readonly isLinked: boolean;
  /** The announced size. */
  readonly contentBytes: number | undefined;
}

interface Block {
  readonly bytes: Buffer;
  /** Stored as is, not compressed. */
  readonly isStored: boolean;
}

function frameOf(bytes: Buffer): Frame {
  const reader = new ByteReader(bytes);
  const magic = little32(reader);
  if (magic !== MAGIC) throw new MalformedMessage(`lz4: magic ${magic.toString(16)}, expected 184d2204`);
  const flags = reader.int8() & 0xff;
  if (flags >> 6 !== 1 || flags & 0x03) throw new MalformedMessage(`lz4: flags ${flags.toString(16)}`);
  const sizeCode = (reader.int8() >> 4) & 7;
  if (sizeCode < 4) throw new MalformedMessage(`lz4: block size code ${sizeCode}`);
  const blockBytes = 1 << (8 + 2 * sizeCode);
  const contentBytes = flags & CONTENT_SIZE ? Number(reader.slice(8).readBigUInt64LE()) : undefined;
  reader.skip(1);

  const blocks: Block[] = [];
  for (let size = little32(reader); size !== 0; size = little32(reader)) {
    blocks.push({ bytes: reader.slice(size % STORED), isStored: size >= STORED });
    if (flags & BLOCK_CHECKSUM) reader.skip(4);
  }
  if (flags & CONTENT_CHECKSUM) reader.skip(4);
  if (reader.remaining > 0) throw new MalformedMessage(`lz4: ${reader.remaining} bytes after the frame`);
  return { blocks, blockBytes, isLinked: (flags & INDEPENDENT) === 0, contentBytes };
}

function finished({ contentBytes }: Frame, output: Unpacked): Buffer {
  if (contentBytes !== undefined && contentBytes !== output.length)
    throw new MalformedMessage(`lz4: ${output.length} bytes unpacked, ${contentBytes} announced`);
  return output.finish();
}

function unpackBlock({ bytes, isStored }: Block, { blockBytes, isLinked }: Frame, output: Unpacked): void {
  output.begin(blockBytes, isLinked);
  if (isStored) output.literal(bytes, 0, bytes.length);
  else unpackSequences(bytes, output);
}

function unpackSequences(block: Buffer, output: Unpacked): void {
  let at = 0;
  const length = (nibble: number): number => {
    if (nibble < 15) return nibble;
    let total = nibble;
    for (let byte = 255; byte === 255; total += byte) {
      if (at >= block.length) throw new MalformedMessage(`lz4: length cut off at ${at}`);
      byte = block[at++] as number;
    }
    return total;
  };
  while (at < block.length) {
    const token = block[at++] as number;
    const literals = length(token >> 4);
    output.literal(block, at, literals);
    at += literals;
    if (at === block.length) return; // the last sequence has no match
    if (at + 2 > block.length) throw new MalformedMessage(`lz4: distance cut off at ${at}`);
    const distance = (block[at] as number) | ((block[at + 1] as number) << 8);
    at += 2;
    output.copy(distance, length(token & 15) + LEAST_MATCH);
  }
}

const little32 = (reader: ByteReader): number => reader.slice(4).readUInt32LE();

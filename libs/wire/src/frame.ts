// Frames: a length of four bytes, then as many bytes. In: chunks as the network gives them, out: whole frames. And the
// way back: a message with its header and length, ready to send.
import { ByteWriter, GatherWriter, MalformedMessage } from '@milepost/core';
import { type RequestHeader, writeRequestHeader, writeResponseHeader } from './header.ts';
import type { Api } from './schema/api.ts';
import type { Encodable, Shape } from './schema/field.ts';

/** `socket.request.max.bytes`: Kafka's default. */
export const MAX_FRAME_BYTES = 100 * 1024 * 1024;

/** A frame up to this size gets its buffer when its length is known; a larger one grows as its bytes arrive. */
const FIRST_STEP_BYTES = 2 * 1024 * 1024;

const LENGTH_BYTES = 4;

/** Where frames that come in pieces are put together. What is taken may be larger than was asked for. */
export interface FrameMemory {
  take(sizeBytes: number): Buffer;
  /** Of no more use. */
  giveBack(buffer: Buffer): void;
}

const FRESH: FrameMemory = { take: (sizeBytes) => Buffer.allocUnsafe(sizeBytes), giveBack: () => {} };

/**
 * Cuts a stream into frames. A frame that comes in pieces is put together: up to FIRST_STEP_BYTES each byte is copied
 * once; beyond, the buffer doubles as bytes come, so that a length that promises 100 MB costs what has come and not what
 * was promised.
 */
export class FrameAssembler {
  readonly #limitBytes: number;
  readonly #memory: FrameMemory;
  readonly #length = Buffer.alloc(LENGTH_BYTES);
  /** Bytes of the length that have come. */
  #lengthBytes = 0;
  #frameBytes = 0;
  #buffer: Buffer | undefined;
  #filled = 0;
  /** Holds the frame that was put together last, until the next one is asked for. */
  #lent: Buffer | undefined;

  constructor(limitBytes = MAX_FRAME_BYTES, memory = FRESH) {
    this.#limitBytes = limitBytes;
    this.#memory = memory;
  }

  /** The size of the frame that is coming in, from when it is known until it is whole; 0: none. */
  get announcedBytes(): number {
    return this.#lengthBytes < LENGTH_BYTES ? 0 : this.#frameBytes;
  }

  /** Bytes of a frame that is not whole yet. */
  get pendingBytes(): number {
    return this.#lengthBytes + this.#filled;
  }

  /**
   * The frames that this chunk completes, in order, each with bytes of its own. To be drained before the chunk is used
   * again. @throws MalformedMessage on a length below 0 or above the limit; the stream is then beyond repair.
   */
  *frames(chunk: Buffer): Generator<Buffer, void, undefined> {
    for (const frame of this.lent(chunk)) yield this.keep(frame);
  }

  /** As `frames`, but the bytes are the caller's only until the next frame is asked for, unless it keeps them. */
  *lent(chunk: Buffer): Generator<Buffer, void, undefined> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#lengthBytes < LENGTH_BYTES) {
        at += this.#takeLength(chunk, at);
        if (this.#lengthBytes < LENGTH_BYTES) return;
      }
      const end = at + this.#frameBytes;
      if (this.#filled === 0 && end <= chunk.length) {
        this.#begin();
        yield chunk.subarray(at, end);
        at = end;
      } else {
        at += this.#takeBody(chunk, at);
        if (this.#filled < this.#frameBytes) return;
        yield* this.#assembled();
      }
    }
  }

  /** The frame that was lent last, with bytes of its own from now on. */
  keep(frame: Buffer): Buffer {
    if (this.#lent === undefined) return Buffer.from(frame);
    this.#lent = undefined;
    return frame;
  }

  #takeLength(chunk: Buffer, at: number): number {
    const taken = chunk.copy(this.#length, this.#lengthBytes, at, at + LENGTH_BYTES - this.#lengthBytes);
    this.#lengthBytes += taken;
    if (this.#lengthBytes === LENGTH_BYTES) {
      this.#frameBytes = this.#length.readInt32BE();
      if (this.#frameBytes < 0 || this.#frameBytes > this.#limitBytes)
        throw new MalformedMessage(
          `a frame of ${this.#frameBytes} bytes announced, 0 to ${this.#limitBytes} are allowed (socket.request.max.bytes)`,
        );
    }
    return taken;
  }

  #takeBody(chunk: Buffer, at: number): number {
    this.#buffer ??= this.#memory.take(Math.min(this.#frameBytes, FIRST_STEP_BYTES));
    const taken = Math.min(chunk.length - at, this.#frameBytes - this.#filled);
    if (this.#filled + taken > this.#buffer.length) {
      const grown = this.#memory.take(Math.min(this.#frameBytes, 2 * (this.#filled + taken)));
      this.#buffer.copy(grown, 0, 0, this.#filled);
      this.#memory.giveBack(this.#buffer);
      this.#buffer = grown;
    }
    chunk.copy(this.#buffer, this.#filled, at, at + taken);
    this.#filled += taken;
    return taken;
  }

  *#assembled(): Generator<Buffer, void, undefined> {
    const buffer = this.#buffer as Buffer;
    this.#begin();
    this.#lent = buffer;
    yield buffer.subarray(0, this.#frameBytes);
    if (this.#lent === buffer) this.#memory.giveBack(buffer);
    this.#lent = undefined;
  }

  /** The next frame, with its length. */
  #begin(): void {
    this.#buffer = undefined;
    this.#lengthBytes = 0;
    this.#filled = 0;
  }
}

/** A request with its length and header, as one buffer. */
export function requestFrame<Req extends Shape, Res extends Shape>(
  api: Api<Req, Res>,
  header: Omit<RequestHeader, 'apiKey'>,
  body: Encodable<Req>,
): Buffer {
  const writer = new ByteWriter();
  writer.int32(0);
  writeRequestHeader(writer, api, header);
  api.request(header.apiVersion).write(writer, body);
  writer.patchInt32(0, writer.position - LENGTH_BYTES);
  return writer.finish();
}

/** A response with its length and header, as buffers to be sent in this order; large records are among them by reference. */
export function responseFrame<Req extends Shape, Res extends Shape>(
  api: Api<Req, Res>,
  version: number,
  correlationId: number,
  body: Encodable<Res>,
): Buffer[] {
  const writer = new GatherWriter();
  writer.int32(0);
  writeResponseHeader(writer, api, version, correlationId);
  api.response(version).write(writer, body);
  writer.patchInt32(0, writer.sizeBytes - LENGTH_BYTES);
  return writer.chunks();
}

// Frames: a length of four bytes, then that many bytes. In: chunks from the network to whole frames. Out: a message
// with its header and length, ready to send.
import { ByteWriter, GatherWriter, MalformedMessage } from '@milepost/core';
import { type RequestHeader, writeRequestHeader, writeResponseHeader } from './header.ts';
import type { Api } from './schema/api.ts';
import type { Encodable, Shape } from './schema/field.ts';

/** `socket.request.max.bytes`: Kafka's default. */
export const MAX_FRAME_BYTES = 100 * 1024 * 1024;

/** A frame up to this size gets its whole buffer when its length is known; a larger one grows as its bytes arrive. */
const FIRST_STEP_BYTES = 2 * 1024 * 1024;

const LENGTH_BYTES = 4;

/** Memory to assemble frames that arrive in pieces. A buffer may be larger than requested. */
export interface FrameMemory {
  take(sizeBytes: number): Buffer;
  /** The buffer is no longer used. */
  giveBack(buffer: Buffer): void;
}

const FRESH: FrameMemory = { take: (sizeBytes) => Buffer.allocUnsafe(sizeBytes), giveBack: () => {} };

/**
 * Cuts a stream into frames. A frame that arrives in pieces is assembled: up to FIRST_STEP_BYTES each byte is copied
 * once; beyond, the buffer doubles as bytes arrive, so that an announced 100 MB only costs the bytes that have arrived.
 */
export class FrameAssembler {
  /** The limit of the next frame whose length arrives, and the property that sets it. */
  limitBytes: number;
  limitName = 'socket.request.max.bytes';
  readonly #memory: FrameMemory;
  readonly #length = Buffer.alloc(LENGTH_BYTES);
  /** Bytes of the length that have arrived. */
  #lengthBytes = 0;
  #frameBytes = 0;
  #buffer: Buffer | undefined;
  #filled = 0;
  /** Holds the last assembled frame, until the next one is requested. */
  #lent: Buffer | undefined;

  constructor(limitBytes = MAX_FRAME_BYTES, memory = FRESH) {
    this.limitBytes = limitBytes;
    this.#memory = memory;
  }

  /** The size of the frame that is arriving, from when it is known until the frame is whole; 0: none. */
  get announcedBytes(): number {
    return this.#lengthBytes < LENGTH_BYTES ? 0 : this.#frameBytes;
  }

  /** Bytes of a frame that is not whole yet. */
  get pendingBytes(): number {
    return this.#lengthBytes + this.#filled;
  }

  /**
   * The frames that this chunk completes, in order, each with its own bytes. Drain it before the chunk is reused.
   * @throws MalformedMessage on a length below 0 or above the limit; the stream is unusable then.
   */
  *frames(chunk: Buffer): Generator<Buffer, void, undefined> {
    for (const frame of this.lent(chunk)) yield this.keep(frame);
  }

  /**
   * Like `frames`, but the bytes are only valid until the next frame is requested, unless the caller keeps the frame.
   */
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

  /** The frame that was lent last, from now on with its own bytes. */
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
      if (this.#frameBytes < 0 || this.#frameBytes > this.limitBytes)
        throw new MalformedMessage(
          `a frame of ${this.#frameBytes} bytes announced, 0 to ${this.limitBytes} are allowed (${this.limitName})`,
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

  /** Begins the next frame, whose length is known. */
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

/**
 * A response with its length and header, as buffers to be sent in this order; large records are included by reference.
 */
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

// One TCP connection of the machine.
import { type Address, CLOSE_STALL_MS, type Connection, type ConnectionListener } from '@milepost/core';
import { type OnReadOpts, Socket } from 'node:net';

/** libuv's own 64 KB cost half the throughput (measured at 16 KB batches: 544 against 1019 MB/s). */
const READ_BYTES = 256 * 1024;
/** With more than this waiting to be sent, `send` returns false. */
const SEND_LIMIT_BYTES = 1024 * 1024;

export class NodeConnection implements Connection {
  readonly remote: Address;
  readonly local: Address;
  readonly certified: string | undefined;
  readonly #socket: Socket;
  readonly #listener: () => ConnectionListener | undefined;
  #isCorked = false;
  /** `send` has returned false, and `drained` is due. */
  #isHeldBack = false;
  #isClosing = false;
  #closeStalled: NodeJS.Timeout | undefined;

  constructor(socket: Socket, listener: () => ConnectionListener | undefined, certified?: string) {
    this.#socket = socket;
    this.certified = certified;
    this.#listener = listener;
    this.remote = { host: plain(socket.remoteAddress), port: socket.remotePort ?? 0 };
    this.local = { host: plain(socket.localAddress), port: socket.localPort ?? 0 };
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => {
      clearTimeout(this.#closeStalled);
      listener()?.closed();
    });
    socket.on('drain', () => this.#drained());
  }

  get pendingBytes(): number {
    return this.#socket.destroyed ? 0 : this.#socket.writableLength;
  }

  send(bytes: readonly Uint8Array[], taken?: () => void): boolean {
    const socket = this.#socket;
    const last = bytes.findLastIndex((part) => part.length > 0);
    if (socket.destroyed || this.#isClosing || last === -1) {
      taken?.();
      return last === -1 && !socket.destroyed && !this.#isClosing && !this.#isHeldBack;
    }
    this.#cork();
    // Called after the system call that has copied the bytes, or with an error when the socket is destroyed.
    for (const [at, part] of bytes.entries())
      if (part.length > 0) socket.write(part, at === last ? taken && (() => taken()) : undefined);
    this.#isHeldBack ||= socket.writableLength > SEND_LIMIT_BYTES;
    return !this.#isHeldBack;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(how?: 'abort'): void {
    const socket = this.#socket;
    if (how === 'abort') {
      socket.destroy();
      return;
    }
    if (this.#isClosing) return;
    this.#isClosing = true;
    // Bytes that the peer still sends are read and dropped: closing with unread bytes would reset the connection, and
    // the peer could lose the response that was just sent.
    socket.end();
    socket.resume();
    this.#destroyWhenStalled();
  }

  /** A peer that reads nothing but keeps its connection alive would hold the unsent bytes forever. */
  #destroyWhenStalled(): void {
    const socket = this.#socket;
    const untakenBytes = untakenBytesOf(socket);
    this.#closeStalled = setTimeout(() => {
      if (untakenBytesOf(socket) < untakenBytes) this.#destroyWhenStalled();
      else socket.destroy();
    }, CLOSE_STALL_MS).unref();
  }

  /** All bytes sent within one turn of the loop leave in one system call. */
  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      this.#socket.uncork();
    });
  }

  #drained(): void {
    if (!this.#isHeldBack) return;
    this.#isHeldBack = false;
    this.#listener()?.drained();
  }
}

type Receive = (chunk: Buffer) => void;

/**
 * One shared buffer: a read fills it and passes it on without a pause. But Windows uses it from the start of a read.
 */
const sharedBuffer = process.platform === 'win32' ? undefined : Buffer.allocUnsafeSlow(READ_BYTES);

export function readsInto(receive: Receive): { onread: OnReadOpts } {
  const buffer = sharedBuffer ?? Buffer.allocUnsafeSlow(READ_BYTES);
  return {
    onread: {
      buffer,
      callback(length) {
        receive(buffer.subarray(0, length));
        return true;
      },
    },
  };
}

/**
 * An accepted socket cannot be given a read buffer, but a new one over its handle can. If this Node has no such handle,
 * the socket is returned unchanged.
 */
export function withLargeReads(accepted: Socket, receive: Receive): Socket {
  const inside = accepted as unknown as { _handle: { useUserBuffer?: unknown } | null };
  const handle = inside._handle;
  if (typeof handle?.useUserBuffer !== 'function') {
    accepted.on('data', receive).resume();
    return accepted;
  }
  inside._handle = null;
  return new Socket({ handle, ...readsInto(receive) } as ConstructorParameters<typeof Socket>[0]);
}

/**
 * Shrinks whenever the peer takes bytes. `writableLength` alone does not: it counts a write until all of it is sent,
 * and Node puts everything that waits into one write.
 */
function untakenBytesOf(socket: Socket): number {
  const { _handle } = socket as unknown as { _handle?: { writeQueueSize?: number } | null };
  return socket.writableLength + (_handle?.writeQueueSize ?? 0);
}

/** An IPv4 address without the IPv6 prefix of a dual-stack listener. */
export const plain = (address: string | undefined): string => (address ?? '').replace(/^::ffff:/, '');

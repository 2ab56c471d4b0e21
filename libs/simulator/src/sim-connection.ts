// One end of a simulated connection. Sent bytes wait here (pending) until the window has room, then travel, arrive in
// the other end's inbox and are delivered there unless it is paused.
import { type Address, CLOSE_STALL_MS, type Connection, type ConnectionListener, invariant } from '@milepost/core';
import type { SimRandom } from './sim-random.ts';

/** Bytes that the systems at both ends buffer: sent, not yet read. */
const WINDOW_BYTES = 256 * 1024;
/** As in the real one: with more than this pending, `send` returns false. */
const SEND_LIMIT_BYTES = 1024 * 1024;
const LARGEST_CHUNK_BYTES = 64 * 1024;
/** How long the system sometimes waits before it copies the bytes. */
const LATE_COPY_MS = 60;

/** The network's interface for an end. */
export interface NetworkInside {
  readonly random: SimRandom;
  latencyMs(): number;
  monotonic(): number;
  /** Carries something to the other end. */
  carry(delayMs: number, arrive: () => void): void;
  /** Within this end's system: not affected by the network's condition. */
  after(delayMs: number, run: () => void): void;
  ended(connection: SimConnection): void;
}

export class SimConnection implements Connection {
  readonly local: Address;
  readonly remote: Address;
  readonly localHost: string;
  readonly remoteHost: string;
  listener: ConnectionListener | undefined;
  readonly #network: NetworkInside;
  #peer: SimConnection | undefined;
  /** Held by reference, as in the real one, which reveals changes of the bytes after the send. */
  readonly #pending: (Uint8Array | (() => void))[] = [];
  #pendingBytes = 0;
  /** Bytes of this end: taken from pending, not yet delivered to the peer. */
  #unheardBytes = 0;
  readonly #inbox: (Buffer | 'end')[] = [];
  #lastArrivalMs = 0;
  #isPaused = false;
  #isHeldBack = false;
  #isPumpDue = false;
  #isClosing = false;
  #hasSaidGoodbye = false;
  #hasEnded = false;

  constructor(
    { host: localHost, local }: { readonly host: string; readonly local: Address },
    { host: remoteHost, remote }: { readonly host: string; readonly remote: Address },
    network: NetworkInside,
  ) {
    this.localHost = localHost;
    this.local = local;
    this.remoteHost = remoteHost;
    this.remote = remote;
    this.#network = network;
  }

  isBetween(one: string, other: string): boolean {
    const { localHost, remoteHost } = this;
    return (localHost === one && remoteHost === other) || (localHost === other && remoteHost === one);
  }

  join(peer: SimConnection): void {
    this.#peer = peer;
  }

  get #other(): SimConnection {
    invariant(this.#peer, 'a connection has two ends');
    return this.#peer;
  }

  /** Notifies the other end that this one has accepted, before any bytes; false if it is gone by then. */
  greet(accepted: (isOpen: boolean) => void): void {
    this.#fly(this.#network.latencyMs(), () => accepted(!this.#other.#hasEnded));
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  send(bytes: readonly Uint8Array[], taken?: () => void): boolean {
    if (this.#hasEnded || this.#isClosing) {
      taken?.();
      return false;
    }
    for (const part of bytes) {
      if (part.length === 0) continue;
      this.#pending.push(part);
      this.#pendingBytes += part.length;
    }
    if (taken) this.#pending.push(taken);
    this.#pumpSoon();
    this.#isHeldBack ||= this.#pendingBytes > SEND_LIMIT_BYTES;
    return !this.#isHeldBack;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#network.after(0, () => this.#hear());
  }

  close(how?: 'abort'): void {
    if (this.#hasEnded) return;
    if (how === 'abort') {
      this.#end();
      this.#fly(0, () => this.#other.reset());
    } else if (!this.#isClosing) {
      this.#isClosing = true;
      this.resume(); // bytes that the peer still sends are dropped, its close is not
      this.#pump();
      this.#abortWhenStalled();
    }
  }

  #abortWhenStalled(): void {
    const pendingBytes = this.#pendingBytes;
    this.#network.after(CLOSE_STALL_MS, () => {
      if (this.#hasEnded) return;
      if (this.#pendingBytes < pendingBytes) this.#abortWhenStalled();
      else this.close('abort');
    });
  }

  /** The connection is gone, with everything pending. */
  reset(): void {
    if (!this.#hasEnded) this.#end();
  }

  /**
   * After the call, as in the real one: all bytes sent within one turn leave together. Sometimes the system is late.
   */
  #pumpSoon(): void {
    if (this.#isPumpDue) return;
    this.#isPumpDue = true;
    const pump = (): void => {
      this.#isPumpDue = false;
      if (!this.#hasEnded) this.#pump();
    };
    const { random } = this.#network;
    if (random.chance(0.05)) this.#network.after(random.below(LATE_COPY_MS), pump);
    else queueMicrotask(pump);
  }

  /** Sends what fits into the window, cut where the seed decides; the close after the last bytes. */
  #pump(): void {
    this.#tell();
    while (this.#pending[0] !== undefined && this.#unheardBytes < WINDOW_BYTES) {
      const first = this.#pending[0] as Uint8Array;
      const most = Math.min(first.length, WINDOW_BYTES - this.#unheardBytes, LARGEST_CHUNK_BYTES);
      const length = this.#network.random.chance(0.2) ? 1 + this.#network.random.below(most) : most;
      const chunk = Buffer.from(first.subarray(0, length));
      if (length === first.length) this.#pending.shift();
      else this.#pending[0] = first.subarray(length);
      this.#pendingBytes -= length;
      this.#unheardBytes += length;
      this.#fly(this.#network.latencyMs(), () => this.#other.#arrived(chunk));
      this.#tell();
    }
    if (this.#pendingBytes > 0) return;
    if (this.#isHeldBack) {
      this.#isHeldBack = false;
      this.#network.after(0, () => this.#hasEnded || this.listener?.drained());
    }
    if (this.#isClosing && !this.#hasSaidGoodbye) {
      this.#hasSaidGoodbye = true;
      this.#fly(this.#network.latencyMs(), () => this.#other.#arrived('end'));
    }
  }

  /** Calls the waiters of the bytes that were just sent. */
  #tell(): void {
    while (typeof this.#pending[0] === 'function') (this.#pending.shift() as () => void)();
  }

  /** Nothing overtakes anything sent earlier. */
  #fly(latencyMs: number, arrive: () => void): void {
    const now = this.#network.monotonic();
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, now + latencyMs);
    this.#network.carry(this.#lastArrivalMs - now, arrive);
  }

  #arrived(item: Buffer | 'end'): void {
    if (this.#hasEnded) return;
    this.#inbox.push(item);
    this.#hear();
  }

  #hear(): void {
    while (!this.#isPaused && !this.#hasEnded) {
      const item = this.#inbox.shift();
      if (item === undefined) return;
      if (item === 'end') {
        this.#end();
        this.#fly(this.#network.latencyMs(), () => this.#other.reset());
        return;
      }
      const { length } = item;
      if (!this.#isClosing) this.listener?.bytes(item);
      item.fill(0xdd); // valid only during the call: a caller that keeps it reads rubbish
      this.#other.#heard(length);
    }
  }

  #heard(length: number): void {
    this.#unheardBytes -= length;
    if (!this.#hasEnded) this.#pump();
  }

  #end(): void {
    this.#hasEnded = true;
    const untaken = this.#pending.splice(0).filter((item) => typeof item === 'function');
    this.#pendingBytes = 0;
    this.#inbox.length = 0;
    this.#network.ended(this);
    for (const taken of untaken) taken();
    this.#network.after(0, () => this.listener?.closed());
  }
}

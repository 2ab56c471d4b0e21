// The last offset of each key of a stretch of log, in no more memory than allowed: 24 bytes a key, whatever its length.
// Keys are known by 128 bits of their SHA-256: two that were taken for one would cost a record, and nobody, be it on
// purpose, finds two. When it is full the cleaner goes as far as it got, and the rest is the next pass's.
import { invariant } from '@milepost/core';
import { hash } from 'node:crypto';

export const BYTES_PER_KEY = 24;
const HASH_WORDS = 4;
/** With room to spare lookups take one step or two; a map at its limit is as full as `loadFactor` says. */
const SPARE_SLOTS = 2;

export class KeyOffsets {
  readonly #hashes: Uint32Array;
  /** Offset + 1; 0: free. */
  readonly #offsets: Float64Array;
  readonly #slots: number;
  readonly #mostKeys: number;
  readonly #words = new Uint32Array(HASH_WORDS);
  #size = 0;

  /** `expectedKeys`: no more will come, so that no more is allocated than they need. */
  constructor(limits: { readonly mostBytes: number; readonly loadFactor: number; readonly expectedKeys: number }) {
    const allowed = Math.floor(limits.mostBytes / BYTES_PER_KEY);
    this.#slots = Math.max(1, Math.min(allowed, limits.expectedKeys * SPARE_SLOTS));
    this.#mostKeys = Math.floor(this.#slots * limits.loadFactor);
    this.#hashes = new Uint32Array(this.#slots * HASH_WORDS);
    this.#offsets = new Float64Array(this.#slots);
  }

  get size(): number {
    return this.#size;
  }

  /** False: it is full. Offsets of a key come in ascending order. */
  put(key: Uint8Array, offset: number): boolean {
    const slot = this.#find(key);
    if (this.#offsets[slot] === 0) {
      if (this.#size >= this.#mostKeys) return false;
      this.#hashes.set(this.#words, slot * HASH_WORDS);
      this.#size++;
    }
    this.#offsets[slot] = offset + 1;
    return true;
  }

  /** -1: not there. */
  get(key: Uint8Array): number {
    return (this.#offsets[this.#find(key)] as number) - 1;
  }

  /** The slot of the key, or the free one where it belongs. */
  #find(key: Uint8Array): number {
    const digest = hash('sha256', key, 'binary');
    const words = this.#words;
    for (let n = 0; n < HASH_WORDS; n++)
      words[n] =
        digest.charCodeAt(n * 4) |
        (digest.charCodeAt(n * 4 + 1) << 8) |
        (digest.charCodeAt(n * 4 + 2) << 16) |
        (digest.charCodeAt(n * 4 + 3) << 24);
    let slot = (words[0] as number) % this.#slots;
    for (let tries = 0; tries <= this.#slots; tries++) {
      if (this.#offsets[slot] === 0 || this.#isAt(slot)) return slot;
      slot = slot + 1 === this.#slots ? 0 : slot + 1;
    }
    invariant(false, 'a map of keys without a free slot');
  }

  #isAt(slot: number): boolean {
    const at = slot * HASH_WORDS;
    for (let n = 0; n < HASH_WORDS; n++) if (this.#hashes[at + n] !== this.#words[n]) return false;
    return true;
  }
}

// The last offset of each key in a range of a log, within a memory limit: 24 bytes for a key of any length. A key is
// identified by 128 bits of its SHA-256. A collision would cost a record, but nobody can find one, not even on purpose.
// A full map ends the range of this pass, and the next pass covers the rest.
import { invariant } from '@milepost/core';
import { hash } from 'node:crypto';

export const BYTES_PER_KEY = 24;
const HASH_WORDS = 4;
/** With spare room a lookup takes one step or two; a map at its limit is as full as `loadFactor` allows. */
const SPARE_SLOTS = 2;

export class KeyOffsets {
  readonly #hashes: Uint32Array;
  /** Offset + 1; 0 means free. */
  readonly #offsets: Float64Array;
  readonly #slots: number;
  readonly #mostKeys: number;
  readonly #words = new Uint32Array(HASH_WORDS);
  #size = 0;

  /** `expectedKeys`: an upper bound, so that no more memory is allocated than they need. */
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

  /** False if the map is full. Offsets of a key must ascend. */
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

  /** -1 if there is none. */
  get(key: Uint8Array): number {
    return (this.#offsets[this.#find(key)] as number) - 1;
  }

  /** The slot of the key, or the free slot for it. */
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

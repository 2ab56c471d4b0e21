// PBKDF2 on simulated time: a key arrives a little later, as from another thread.
import type { Clock, KeyDerivation } from '@milepost/core';
import { pbkdf2Sync } from 'node:crypto';

const DERIVATION_MS = 1;

export class SimKeyDerivation implements KeyDerivation {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async pbkdf2(password: string, salt: Uint8Array, iterations: number, digest: 'sha256' | 'sha512'): Promise<Buffer> {
    await new Promise<void>((resolve) => this.#clock.after(DERIVATION_MS, resolve));
    return pbkdf2Sync(password, salt, iterations, digest === 'sha256' ? 32 : 64, digest);
  }
}

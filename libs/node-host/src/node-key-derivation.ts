// PBKDF2 on Node's thread pool.
import type { KeyDerivation } from '@milepost/core';
import { pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(pbkdf2);

export const nodeKeyDerivation: KeyDerivation = {
  pbkdf2: (password, salt, iterations, digest) =>
    derive(password, salt, iterations, digest === 'sha256' ? 32 : 64, digest),
};

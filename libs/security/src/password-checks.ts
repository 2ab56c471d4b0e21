// Checks passwords that clients sent themselves, one at a time: keys are derived on the threads that also sync the logs, and
// many logins at once must not occupy all of them.
import type { KeyDerivation } from '@milepost/core';
import { isPasswordOf, type ScramCredential } from './scram.ts';
import type { ScramMechanism } from './scram-functions.ts';

export class PasswordChecks {
  readonly #keys: KeyDerivation;
  #last: Promise<unknown> = Promise.resolve();

  constructor(keys: KeyDerivation) {
    this.#keys = keys;
  }

  /** Resolves after those that were asked for before. */
  fits(credential: ScramCredential, mechanism: ScramMechanism, password: string): Promise<boolean> {
    const result = this.#last.then(() =>
      isPasswordOf(credential, mechanism, password, (...input) => this.#keys.pbkdf2(...input)),
    );
    this.#last = result.catch(() => {});
    return result;
  }
}

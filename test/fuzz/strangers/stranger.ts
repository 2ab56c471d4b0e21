// What the rounds of strangers share. A stranger is a client that never authenticates: it has no password that is right.
import type { Clock, KeyDerivation } from '@milepost/core';
import type { DeriveKey } from '@milepost/security';
import { createHash } from 'node:crypto';

export interface StrangerTally {
  inputs: number;
  /** Of the connections, those that got any bytes. */
  answered: number;
  connections: number;
}

/** One seed. @throws Misbehaviour */
export type StrangerRound = (seed: number, inputs: number, tally: StrangerTally) => Promise<void>;

/** Refusals are sent after fixed times; on this clock they are short. */
const TIMES_FASTER = 100;

export const fastClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs / TIMES_FASTER);
    return () => clearTimeout(timer);
  },
};

/** Without the cost that slows real guessing. */
export const cheapKey: DeriveKey = async (password, salt, iterations, digest) =>
  createHash(digest).update(password).update(salt).update(String(iterations)).digest();
export const cheapKeys: KeyDerivation = { pbkdf2: cheapKey };

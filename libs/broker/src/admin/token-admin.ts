// Creates, renews and removes delegation tokens (KIP-48). Decided on the true image; the response is sent when this broker knows
// the change. The other brokers follow with the next image.
import type { Background, Cancel, Host } from '@milepost/core';
import {
  type ClusterImage,
  type DelegationToken,
  type MetadataChange,
  type ScramCredentials,
  type StoredScramCredential,
} from '@milepost/metadata';
import {
  LEAST_ITERATIONS,
  SCRAM_MECHANISMS,
  scramCredential,
  type ScramMechanism,
  unpredictable,
} from '@milepost/security';
import type { Refusal } from '../refusal.ts';
import { encoded } from '../security/credentials.ts';
import { digestOf, tokenHmac, type TokenSettings } from '../security/delegation-tokens.ts';
import type { CommitQueue } from './commit-queue.ts';
import {
  decideCreation,
  decideExpiry,
  decideRenewal,
  expiredTokens,
  expiryOf,
  type Renewal,
  type TokenDecision,
  TOKENS_DISABLED,
} from './token-decisions.ts';

export interface TokenAdminDeps {
  readonly host: Pick<Host, 'clock' | 'keys' | 'random'>;
  readonly background: Background;
  readonly queue: CommitQueue;
  readonly image: () => ClusterImage;
  /** Undefined: there are no delegation tokens. */
  readonly settings: TokenSettings | undefined;
}

export interface NewToken {
  readonly owner: string;
  readonly requester: string;
  readonly renewers: readonly string[];
  /** Not above 0: as long as the settings allow. */
  readonly maxLifetimeMs: bigint;
}

/** A change of a token: whose secret, for how long, and by whom. */
export type TokenWish = Omit<Renewal, 'nowMs'>;

export class TokenAdmin {
  readonly #deps: TokenAdminDeps;
  /** Keys are derived one at a time: the threads of the pool also sync the logs. */
  #derived: Promise<unknown> = Promise.resolve();
  #cancel: Cancel = () => {};

  constructor(deps: TokenAdminDeps) {
    this.#deps = deps;
  }

  get settings(): TokenSettings | undefined {
    return this.#deps.settings;
  }

  /** Removes expired tokens from time to time. Returns the function that stops it. */
  begin(): () => void {
    const { settings, host, background } = this.#deps;
    if (!settings) return () => {};
    const later = (): void => {
      this.#cancel = host.clock.after(settings.checkIntervalMs, () => {
        background.run('removing expired delegation tokens', () => this.#removeExpired());
        later();
      });
    };
    later();
    return () => this.#cancel();
  }

  async create({ owner, requester, renewers, maxLifetimeMs }: NewToken): Promise<Refusal | DelegationToken> {
    const { host, settings } = this.#deps;
    if (!settings) return TOKENS_DISABLED;
    const id = host.random.uuid();
    const hmac = tokenHmac(settings, id);
    const credentials = await this.#credentialsOf(hmac.toString('base64'));
    const nowMs = host.clock.now();
    const endsAtMs = Math.min(expiryOf(nowMs, maxLifetimeMs, settings.maxLifetimeMs, LAST_TIME_MS), LAST_TIME_MS);
    const token: DelegationToken = {
      id,
      owner,
      requester,
      renewers,
      issuedAtMs: nowMs,
      expiresAtMs: expiryOf(nowMs, -1n, settings.expiryTimeMs, endsAtMs),
      endsAtMs,
      digest: digestOf(hmac),
      credentials,
    };
    return this.#run((image) => decideCreation(image, token));
  }

  renew(wish: TokenWish): Promise<Refusal | DelegationToken> {
    return this.#alter(wish, decideRenewal);
  }

  expire(wish: TokenWish): Promise<Refusal | DelegationToken> {
    return this.#alter(wish, decideExpiry);
  }

  #alter(wish: TokenWish, decide: typeof decideRenewal): Promise<Refusal | DelegationToken> {
    const { host, settings } = this.#deps;
    if (!settings) return Promise.resolve(TOKENS_DISABLED);
    return this.#run((image) => decide(image, { ...wish, nowMs: host.clock.now() }, settings));
  }

  #run(decide: (image: ClusterImage) => TokenDecision): Promise<Refusal | DelegationToken> {
    return this.#deps.queue.run((image) => {
      const { changes, outcome } = decide(image);
      return { changes, outcome: (failure) => ('error' in outcome ? outcome : (failure ?? outcome)) };
    });
  }

  async #removeExpired(): Promise<void> {
    const { host, image, queue } = this.#deps;
    const removals = (of: ClusterImage): MetadataChange[] => expiredTokens(of, host.clock.now());
    if (removals(image()).length === 0) return;
    await queue.run((of) => ({ changes: removals(of), outcome: () => undefined }));
  }

  async #credentialsOf(password: string): Promise<ScramCredentials> {
    const { keys, random } = this.#deps.host;
    const credentials: Partial<Record<ScramMechanism, StoredScramCredential>> = {};
    for (const mechanism of SCRAM_MECHANISMS) {
      const given = { salt: Buffer.from(unpredictable(random), 'hex').subarray(0, 16), iterations: LEAST_ITERATIONS };
      const derived = this.#derived.then(() =>
        scramCredential(mechanism, password, given, (...input) => keys.pbkdf2(...input)),
      );
      this.#derived = derived.catch(() => {});
      credentials[mechanism] = encoded(await derived);
    }
    return credentials;
  }
}

/** The latest time that a Date can hold. */
const LAST_TIME_MS = 8_640_000_000_000_000;

// How the brokers of a cluster recover from a database that went back under them. Each of them registers again, and restores
// what it remembers and the database has lost. The restored history is served only when all have done so: until then
// every broker goes on with the image that it has, as while the database is away
// (docs/decisions/0046-brokers-restore-what-their-database-has-lost.md).
//
// Promises: nobody is waited for once its lease has ended, for one lease after the loss was noticed at least.
// Never: elects anybody.
import { type BrokerId, type Clock, sleep } from '@milepost/core';
import {
  type BrokerLeases,
  type ClusterImage,
  isSameOrigin,
  leaseAttemptMs,
  type MetadataChange,
  type MetadataStore,
  silentBrokers,
} from '@milepost/metadata';
import type { Registration } from './registration.ts';

const PAUSE_MS = 200;

export interface DatabaseRecoveryDeps {
  readonly clock: Clock;
  readonly brokerId: BrokerId;
  readonly store: Pick<MetadataStore, 'commit'>;
  readonly leases: Pick<BrokerLeases, 'all'>;
  readonly registration: () => Pick<Registration, 'renew' | 'commit'>;
  /** Waits for a database that is away. */
  readonly patiently: <T>(attempt: () => Promise<T>) => Promise<T>;
  /** broker.session.timeout.ms */
  readonly sessionTimeoutMs: number;
  readonly closing: AbortSignal;
}

export class DatabaseRecovery {
  readonly #deps: DatabaseRecoveryDeps;
  #known: ClusterImage;

  constructor(image: ClusterImage, deps: DatabaseRecoveryDeps) {
    this.#known = image;
    this.#deps = deps;
  }

  /** The newest image of the history that this broker serves, whether it is served already or not. */
  get known(): ClusterImage {
    return this.#known;
  }

  /** Call with each image that this broker gets. One of another history is not known before `run` has resolved. */
  see(image: ClusterImage): void {
    if (this.isKnown(image) && image.version > this.#known.version) this.#known = image;
  }

  /** Of the history that this broker serves. */
  isKnown({ origin }: ClusterImage): boolean {
    return isSameOrigin(origin, this.#known.origin);
  }

  /** Resolves when the database has everything that brokers remember. @throws BrokerFenced; the signal's reason */
  async run(): Promise<void> {
    const { clock, patiently, sessionTimeoutMs, closing } = this.#deps;
    const graceUntilMs = clock.monotonic() + sessionTimeoutMs;
    for (;;) {
      const image = await patiently(() => this.#restored());
      const silent = this.#othersSilentIn(image);
      if (silent.length === 0) {
        this.#known = image;
        return;
      }
      if (clock.monotonic() >= graceUntilMs) await patiently(() => this.#fence(silent));
      await sleep(clock, PAUSE_MS, closing);
    }
  }

  async #restored(): Promise<ClusterImage> {
    await this.#deps.registration().renew();
    return this.#deps.store.commit(() => []);
  }

  /** They are gone: what they remember comes back with them, and is older than what others have decided by then. */
  async #fence(silent: readonly BrokerId[]): Promise<void> {
    const { leases, registration, sessionTimeoutMs } = this.#deps;
    const held = await leases.all(leaseAttemptMs(sessionTimeoutMs));
    const gone = silent.filter((id) => (held.get(id)?.remainingMs ?? 0) <= 0);
    if (gone.length === 0) return;
    await registration().commit((image): MetadataChange[] =>
      this.#othersSilentIn(image)
        .filter((id) => gone.includes(id))
        .map((id) => ({ type: 'broker-fencing-changed', id, isFenced: true })),
    );
  }

  #othersSilentIn(image: ClusterImage): BrokerId[] {
    return silentBrokers(image).filter((id) => id !== this.#deps.brokerId);
  }
}

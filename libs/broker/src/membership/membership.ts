// This process as the one live owner of its broker id: it holds the id's lease in the metadata database and extends it
// by heartbeats (KRaft's BrokerLifecycleManager, with the database in the controller's place).
//
// Promises: `join` resolves only with the lease, and refuses in one line that names the live owner. A database that is
// away ends nothing: the process continues, and extends the lease when the database is back. An absence that is too short
// for others to notice does not end the lease. A lease that another process has acquired is lost for good: `onLost` is
// called once, and one line names the new holder.
import { type Cancel, type Clock, type Logger, sleep } from '@milepost/core';
import {
  type BrokerLeases,
  type LeaseClaim,
  leaseAttemptMs,
  type LeaseHolder,
  type LeaseOutcome,
  StoreUnavailable,
} from '@milepost/metadata';

export interface MembershipDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly leases: BrokerLeases;
  readonly claim: LeaseClaim;
  /** broker.heartbeat.interval.ms */
  readonly heartbeatIntervalMs: number;
}

/** Another process is the live owner of this broker id. The message is one line with the cure. */
export class BrokerIdInUse extends Error {
  override readonly name = 'BrokerIdInUse';
}

export class Membership {
  readonly #deps: MembershipDeps;
  #claim: LeaseClaim;
  #lostTo: LeaseHolder | undefined;
  #onLost: () => void = () => {};
  #cancel: Cancel = () => {};
  #beating: Promise<void> = Promise.resolve();
  #hasLeft = false;

  private constructor(deps: MembershipDeps, epoch: number) {
    this.#deps = deps;
    this.#claim = { ...deps.claim, epoch };
  }

  /**
   * Acquires the lease. A holder that extends its lease meanwhile is alive; one that does not is waited for until its
   * lease ends. `patiently` waits for a database that is away. @throws BrokerIdInUse; the signal's reason
   */
  static async join(
    deps: MembershipDeps,
    patiently: (attempt: () => Promise<LeaseOutcome>) => Promise<LeaseOutcome>,
    aborted: AbortSignal,
  ): Promise<Membership> {
    const { clock, logger, leases, claim, heartbeatIntervalMs } = deps;
    let seen: LeaseHolder | undefined;
    for (;;) {
      const outcome = await patiently(() => leases.hold(claim, leaseAttemptMs(claim.sessionTimeoutMs)));
      if (outcome.isHeld) {
        const membership = new Membership(deps, outcome.epoch);
        membership.#beatLater();
        return membership;
      }
      const { holder } = outcome;
      if (seen?.incarnation === holder.incarnation && holder.untilMs > seen.untilMs) throw inUse(claim, holder);
      if (!seen)
        logger.warn(
          { holder: addressOf(holder), remainingMs: Math.round(holder.remainingMs) },
          `broker ${claim.brokerId} was ${addressOf(holder)} a moment ago: waiting until its lease ends, or it shows that it is alive`,
        );
      seen = holder;
      await sleep(clock, Math.min(heartbeatIntervalMs, Math.max(1, holder.remainingMs)), aborted);
    }
  }

  /** Why this process must not serve any more; undefined while it may. */
  get lostTo(): string | undefined {
    return (
      this.#lostTo && `${addressOf(this.#lostTo)} is broker ${this.#claim.brokerId} since ${sinceOf(this.#lostTo)}`
    );
  }

  /** Calls `run` once when the lease is lost; immediately if it is lost already. */
  onLost(run: () => void): void {
    this.#onLost = run;
    if (this.#lostTo) run();
  }

  /**
   * Extends the lease now; false where it is lost. A database that went back holds an earlier lease, or none: this raises
   * it again. @throws StoreUnavailable
   */
  async confirm(): Promise<boolean> {
    if (this.#hasLeft || this.#lostTo) return false;
    const outcome = await this.#deps.leases.hold(this.#claim, leaseAttemptMs(this.#claim.sessionTimeoutMs));
    if (outcome.isHeld) this.#claim = { ...this.#claim, epoch: outcome.epoch };
    else this.#lose(outcome.holder);
    return outcome.isHeld;
  }

  /** Sets the port, which the next heartbeat publishes. */
  listensOn(port: number): void {
    this.#claim = { ...this.#claim, port };
  }

  /** Ends the lease, so that a successor need not wait. While the database is away the lease ends by itself. */
  async leave(): Promise<void> {
    this.#hasLeft = true;
    this.#cancel();
    await this.#beating;
    const { leases, logger, claim } = this.#deps;
    await leases.release(claim.brokerId, claim.incarnation).catch((failure: unknown) => {
      if (!(failure instanceof StoreUnavailable)) throw failure;
      logger.info({ reason: failure.message }, 'the lease of this broker ends by itself: the database is away');
    });
  }

  /** One interval after the beginning of the last heartbeat: if that took longer, at once. */
  #beatLater(lastMs = this.#deps.clock.monotonic()): void {
    if (this.#hasLeft || this.#lostTo) return;
    const { clock, heartbeatIntervalMs } = this.#deps;
    this.#cancel = clock.after(Math.max(0, lastMs + heartbeatIntervalMs - clock.monotonic()), () => {
      const startedMs = clock.monotonic();
      this.#beating = this.#beat().finally(() => this.#beatLater(startedMs));
    });
  }

  async #beat(): Promise<void> {
    try {
      await this.confirm();
    } catch (failure) {
      if (failure instanceof StoreUnavailable) return; // the metadata store logs that the database is away
      this.#deps.logger.error({ err: failure }, `the lease of this broker was not extended: ${String(failure)}`);
    }
  }

  #lose(holder: LeaseHolder): void {
    if (this.#hasLeft || this.#lostTo) return;
    this.#lostTo = holder;
    const { brokerId } = this.#claim;
    this.#deps.logger.error(
      { holder: addressOf(holder), since: sinceOf(holder) },
      `broker ${brokerId} is another process now, ${addressOf(holder)} since ${sinceOf(holder)}: this one acknowledges nothing more; stop it`,
    );
    this.#onLost();
  }
}

const addressOf = ({ host, port }: LeaseHolder): string => (port === 0 ? host : `${host}:${port}`);
const sinceOf = ({ sinceMs }: LeaseHolder): string => new Date(sinceMs).toISOString();

const inUse = ({ brokerId }: LeaseClaim, holder: LeaseHolder): BrokerIdInUse =>
  new BrokerIdInUse(
    `broker ${brokerId} of this database is alive at ${addressOf(holder)} since ${sinceOf(holder)}: ` +
      'stop that one, or set DATABASE_URL to a database of its own',
  );

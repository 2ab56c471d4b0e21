// This broker's part in controlling the cluster. Every broker watches the leases of all; the one that is the controller
// declares brokers gone, elects leaders, completes reassignments and restores preferred leaders. Any broker takes that over
// when the controller is gone (docs/decisions/0038-what-the-controller-is.md).
//
// Promises: whatever the controller commits carries its epoch, so that a deposed one changes nothing. Nobody is declared gone
// because the database was away (LeaseWatch). A broker that was declared gone and holds its lease again comes back by itself.
// A broker that is alone asks nobody: it is the controller since its registration.
// Never: leads or serves anything. Its failures are retried, and harm no client.
import { type Background, type BrokerId, type Cancel, type Clock, type Logger, partitionName } from '@milepost/core';
import {
  BrokerFenced,
  type BrokerLeases,
  type ClusterImage,
  controllerDuties,
  controllerElection,
  ControllerFenced,
  type Decide,
  type Electorate,
  leaseAttemptMs,
  left,
  LeaseWatch,
  type MetadataChange,
  preferredLeaders,
  StoreUnavailable,
  type TopicState,
  unfenced,
} from '@milepost/metadata';

/** Preferred leaders restored in one commit, as in Kafka. */
const MOST_RESTORED = 1_000;

export interface ClusterControllerDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly background: Background;
  /** A commit of this broker; with an epoch, of the controller in that epoch. */
  readonly commit: (decide: Decide, controllerEpoch?: number) => Promise<ClusterImage>;
  readonly leases: Pick<BrokerLeases, 'all'>;
  readonly brokerId: BrokerId;
  /** The newest image that this broker serves. */
  readonly image: () => ClusterImage;
  /** Makes an image true here. */
  readonly apply: (image: ClusterImage) => Promise<void>;
  /** unclean.leader.election.enable of a topic in an image. */
  readonly isUncleanAllowed: (topic: TopicState, image: ClusterImage) => boolean;
  readonly sessionTimeoutMs: number;
  /** Between two looks at the leases. */
  readonly intervalMs: number;
  /** Undefined while preferred leaders are not restored (auto.leader.rebalance.enable). */
  readonly rebalanceIntervalMs: () => number | undefined;
}

export class ClusterController {
  readonly #deps: ClusterControllerDeps;
  readonly #watch: LeaseWatch;
  #isRegistered = false;
  /** Under which this life is the controller. */
  #epoch: number | undefined;
  #rebalancedAtMs: number;
  #cancel: Cancel = () => {};
  #round: Promise<void> | undefined;
  #isWanted = false;
  #isClosed = false;

  constructor(deps: ClusterControllerDeps) {
    this.#deps = deps;
    this.#watch = new LeaseWatch(deps.sessionTimeoutMs);
    this.#rebalancedAtMs = deps.clock.monotonic();
  }

  /** After the registration, with the image that contains it. */
  begin(image: ClusterImage): void {
    this.#isRegistered = true;
    if (image.controller.id === this.#deps.brokerId) this.#epoch = image.controller.epoch;
    this.#later();
  }

  get isController(): boolean {
    const { id, epoch } = this.#deps.image().controller;
    return id === this.#deps.brokerId && epoch === this.#epoch;
  }

  /** Call with each newer image, once it is applied: what it asks for is done at once. */
  imageChanged(image: ClusterImage): void {
    if (!this.#isRegistered) return;
    const { brokerId } = this.#deps;
    const isFenced = image.brokers.get(brokerId)?.isFenced === true;
    const isVacant = controllerElection(image, brokerId, this.#epoch, () => false).length > 0;
    const hasDuties = this.isController && controllerDuties(this.#electorate(image), () => false).length > 0;
    if (isFenced || isVacant || hasDuties) this.#soon();
  }

  /** The database went back: what it says of leases may be old. */
  databaseWentBack(): void {
    this.#watch.restart();
  }

  /** A clean stop: leaders move first, and a controller resigns. Resolves when that is committed, or cannot be now. */
  async leave(): Promise<void> {
    if (this.#isClosed) return;
    await this.close();
    const { image, brokerId, logger, apply } = this.#deps;
    if (!this.#isRegistered || image().brokers.size <= 1) return;
    try {
      const committed = await this.#deps.commit((now) => left(this.#electorate(now), brokerId));
      await apply(committed);
    } catch (failure) {
      if (!isExpected(failure)) throw failure;
      logger.warn(
        { reason: failure.message },
        'this broker leaves without moving its leaders: others wait for its lease',
      );
    }
  }

  /** Resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel();
    await this.#round;
  }

  #later(): void {
    this.#cancel = this.#deps.clock.after(this.#deps.intervalMs, () => this.#soon());
  }

  #soon(): void {
    if (this.#isClosed) return;
    this.#isWanted = true;
    if (this.#round) return;
    this.#cancel();
    this.#round = this.#rounds().finally(() => {
      this.#round = undefined;
      if (!this.#isClosed) this.#later();
    });
  }

  async #rounds(): Promise<void> {
    const { logger } = this.#deps;
    while (this.#isWanted && !this.#isClosed) {
      this.#isWanted = false;
      try {
        await this.#lookAround();
      } catch (failure) {
        // The metadata store logs that the database is away; the next round finds what is left to do.
        if (failure instanceof BrokerFenced || failure instanceof ControllerFenced) logger.info({}, failure.message);
        else if (!(failure instanceof StoreUnavailable))
          logger.error({ err: failure }, `the cluster could not be looked after: ${String(failure)}`);
      }
    }
  }

  async #lookAround(): Promise<void> {
    const { image, leases, clock, brokerId, sessionTimeoutMs } = this.#deps;
    if (this.isController && image().brokers.size === 1) return;
    const nowMs = clock.monotonic();
    const isGone = this.#watch.look({ nowMs, leases: await leases.all(leaseAttemptMs(sessionTimeoutMs)) });
    if (image().brokers.get(brokerId)?.isFenced && !isGone(brokerId)) await this.#comeBack();
    if (controllerElection(image(), brokerId, this.#epoch, isGone).length > 0) await this.#takeOver(isGone);
    if (!this.isController) return;
    await this.#doDuties(isGone);
    await this.#restorePreferredLeaders(nowMs);
  }

  async #comeBack(): Promise<void> {
    const { apply, brokerId, logger } = this.#deps;
    await apply(await this.#deps.commit((now) => unfenced(this.#electorate(now), brokerId)));
    logger.info({}, `broker ${brokerId} was taken for gone, and is back`);
  }

  async #takeOver(isGone: (id: BrokerId) => boolean): Promise<void> {
    const { apply, brokerId, logger } = this.#deps;
    let isChange = false;
    const committed = await this.#deps.commit((now) => {
      const changes = controllerElection(now, brokerId, this.#epoch, isGone);
      isChange = changes.length > 0;
      return changes;
    });
    if (isChange) {
      this.#epoch = committed.controller.epoch;
      logger.info({ epoch: this.#epoch }, `broker ${brokerId} is the controller now`);
    }
    await apply(committed);
  }

  async #doDuties(isGone: (id: BrokerId) => boolean): Promise<void> {
    const { image, apply } = this.#deps;
    if (controllerDuties(this.#electorate(image()), isGone).length === 0) return;
    let before = image();
    let changes: readonly MetadataChange[] = [];
    const committed = await this.#deps.commit((now) => {
      before = now;
      changes = controllerDuties(this.#electorate(now), isGone);
      return changes;
    }, this.#epoch);
    this.#report(before, changes);
    await apply(committed);
  }

  async #restorePreferredLeaders(nowMs: number): Promise<void> {
    const { image, apply, logger, rebalanceIntervalMs } = this.#deps;
    const intervalMs = rebalanceIntervalMs();
    if (intervalMs === undefined || nowMs - this.#rebalancedAtMs < intervalMs) return;
    this.#rebalancedAtMs = nowMs;
    if (preferredLeaders(image(), 1).length === 0) return;
    let moved = 0;
    const committed = await this.#deps.commit((now) => {
      const changes = preferredLeaders(now, MOST_RESTORED);
      moved = changes.length;
      return changes;
    }, this.#epoch);
    logger.info({ partitions: moved }, 'preferred leaders are restored');
    await apply(committed);
  }

  #report(before: ClusterImage, changes: readonly MetadataChange[]): void {
    const { logger } = this.#deps;
    for (const change of changes) {
      if (change.type === 'broker-fencing-changed')
        logger.warn({ broker: change.id }, `broker ${change.id} is gone: its lease has ended`);
      if (change.type !== 'partition-changed') continue;
      const topic = before.topicsById.get(change.id);
      const { index, leader, leaderEpoch } = change.partition;
      const former = topic?.partitions[index];
      if (!topic || !former || leader < 0 || former.isr.includes(leader)) continue;
      const name = partitionName(topic.name, index);
      logger.warn(
        { partition: name, leader, leaderEpoch, isr: former.isr },
        `unclean election: ${name} is led by broker ${leader}, which was not in sync; acknowledged records may be lost`,
      );
    }
  }

  #electorate(image: ClusterImage): Electorate {
    return { image, isUncleanAllowed: (topic) => this.#deps.isUncleanAllowed(topic, image) };
  }
}

const isExpected = (failure: unknown): failure is Error =>
  failure instanceof StoreUnavailable || failure instanceof BrokerFenced;

// The part of a broker that keeps replicas the same: followers copy from their leaders, leaders change their in-sync replicas.
//
// Promises: nothing is fetched or proposed before `begin`, since both name the epoch of this broker's registration; nothing
// more is once `close` has resolved.
import type { BrokerId, Host } from '@milepost/core';
import type { ClusterImage, Decide } from '@milepost/metadata';
import { IsrChanges, type IsrProposal, type Partition, ReplicaFetchers } from '@milepost/replication';
import type { BrokerSettings } from '../broker-config.ts';
import type { InterBroker } from '../network/inter-broker.ts';
import type { Registration } from '../membership/registration.ts';

export interface ReplicationDeps {
  readonly host: Host;
  readonly settings: BrokerSettings;
  readonly brokerId: BrokerId;
  readonly registration: Pick<Registration, 'epoch'>;
  /** Fenced by the epoch of this broker's registration. */
  readonly commit: (decide: Decide) => Promise<ClusterImage>;
  readonly connectTo: InterBroker['connectTo'];
  readonly image: () => ClusterImage;
  /** Makes an image true here. */
  readonly apply: (image: ClusterImage) => Promise<void>;
  readonly partitions: () => Iterable<Partition>;
}

export class Replication {
  readonly fetchers = new ReplicaFetchers();
  #isrChanges: IsrChanges | undefined;
  #deps: ReplicationDeps | undefined;
  #stopShrinking = (): void => {};

  readonly proposeIsr = (proposal: IsrProposal, refused: () => void): void => {
    if (this.#isrChanges) this.#isrChanges.propose(proposal, refused);
    else refused();
  };

  begin(deps: ReplicationDeps): void {
    const { host, settings, brokerId, registration, connectTo, commit, image, apply } = deps;
    const { clock, logger, meter } = host;
    this.#deps = deps;
    this.#isrChanges = new IsrChanges({
      clock,
      logger,
      meter,
      brokerId,
      image,
      apply,
      commit,
    });
    this.fetchers.begin({
      clock,
      logger,
      brokerId,
      brokerEpoch: () => registration.epoch,
      connectTo,
      config: settings.replication.fetcher,
    });
    this.imageServed();
    this.#shrinkLater(deps);
  }

  /** Call with each newer image, once it is served: brokers that are gone leave the ISRs of the partitions led here. */
  imageServed(): void {
    const deps = this.#deps;
    if (!deps || [...deps.image().brokers.values()].every(({ isFenced }) => !isFenced)) return;
    for (const partition of deps.partitions()) partition.shrinkIsr();
  }

  async close(): Promise<void> {
    this.#deps = undefined;
    this.#stopShrinking();
    await Promise.all([this.fetchers.close(), this.#isrChanges?.close()]);
  }

  /** Twice within the time that a follower has, as in Kafka. */
  #shrinkLater(deps: ReplicationDeps): void {
    const { host, settings, partitions } = deps;
    this.#stopShrinking = host.clock.after(settings.replication.lagTimeMs / 2, () => {
      for (const partition of partitions()) partition.shrinkIsr();
      this.#shrinkLater(deps);
    });
  }
}

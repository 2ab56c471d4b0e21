// Share groups on this broker as a leader of partitions: sessions, and what is in flight. Memberships belong to the group
// coordinator.
import type { Background, Host } from '@milepost/core';
import type { ShareStateStore } from '@milepost/coordinators';
import type { BrokerConfigLayers, ClusterImage } from '@milepost/metadata';
import type { Partition } from '@milepost/replication';
import type { Unpacking } from '../partitions/unpacking.ts';
import { SharePartitions } from './share-partitions.ts';
import { ShareSessions } from './share-sessions.ts';
import { type GroupShareSettings, shareSettings } from './share-settings.ts';

export interface SharingDeps {
  readonly host: Pick<Host, 'clock' | 'logger'>;
  readonly store: ShareStateStore;
  readonly background: Background;
  readonly image: () => ClusterImage;
  readonly layers: () => BrokerConfigLayers;
  readonly unpacking: Unpacking;
  readonly maxSessions: number;
}

export class Sharing {
  readonly sessions: ShareSessions;
  readonly partitions: SharePartitions;
  readonly store: ShareStateStore;
  readonly #deps: SharingDeps;

  constructor(deps: SharingDeps) {
    this.#deps = deps;
    const { host, store, background, maxSessions } = deps;
    const { clock, logger } = host;
    this.store = store;
    this.partitions = new SharePartitions({
      clock,
      logger,
      store,
      settingsOf: (groupId) => this.settingsOf(groupId),
      startOffsetOf: (groupId, partition) => this.#startOffsetOf(groupId, partition),
    });
    this.sessions = new ShareSessions(maxSessions, ({ groupId, memberId, partitions }) => {
      for (const one of partitions)
        background.run('releasing what a member of a share group held', () =>
          this.partitions.release({ groupId, ...one }, memberId, () => this.sessions.uses(groupId, one)),
        );
    });
  }

  settingsOf(groupId: string): GroupShareSettings {
    const { image, layers } = this.#deps;
    return shareSettings(image().groupConfigs.get(groupId) ?? {}, layers());
  }

  async close(): Promise<void> {
    this.sessions.close();
    await this.partitions.close();
  }

  async #startOffsetOf(groupId: string, partition: Partition): Promise<number> {
    const { autoOffsetReset } = this.settingsOf(groupId);
    const { log, highWatermark } = partition;
    if (autoOffsetReset === 'earliest') return log.logStartOffset;
    if (autoOffsetReset === 'latest') return highWatermark;
    const { host, unpacking } = this.#deps;
    const from = host.clock.now() - autoOffsetReset.notOlderThanMs;
    const found = await unpacking.search(log, from, highWatermark);
    // No record is that young: those to come.
    return found.offset ?? highWatermark;
  }
}

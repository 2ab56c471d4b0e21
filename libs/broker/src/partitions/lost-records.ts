// A start with logs that are missing, or that end before offsets that groups have committed: begins a new leader epoch
// there, so that clients notice (KIP-320), and skips all offsets that are known to have been used.
import { LeaderEpoch, type Logger, Offset, partitionName } from '@milepost/core';
import { type ClusterImage, type Decide, isInternalTopic, type MetadataChange } from '@milepost/metadata';
import type { Partition } from '@milepost/replication';
import { firstNames } from './first-names.ts';
import type { LocalPartitions } from './local-partitions.ts';

export interface CommittedOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: Offset;
}

export interface LossDeps {
  readonly partitions: LocalPartitions;
  readonly logger: Logger;
  readonly brokerId: number;
  /** Waits for a store that is away. */
  readonly commit: (decide: Decide) => Promise<ClusterImage>;
}

/** `withoutFolder`: partitions led here, by `partitionName`, that had no folder when the broker started. */
export async function makeUpForLoss(
  { partitions, logger, brokerId, commit }: LossDeps,
  withoutFolder: ReadonlySet<string>,
  committed: readonly CommittedOffset[],
): Promise<void> {
  const ends = committedEnds(committed);
  const endOf = ({ topic, index }: Partition): Offset => ends.get(partitionName(topic, index)) ?? Offset(0);
  const lost = Array.from(partitions.all()).filter(
    (partition) =>
      partition.isLeader &&
      (withoutFolder.has(partitionName(partition.topic, partition.index)) ||
        partition.log.logEndOffset < endOf(partition)),
  );
  if (lost.length === 0) return;
  const reported = lost.filter(({ topic }) => !isInternalTopic(topic)); // an echo, which is recreated from the store
  const described = reported.map((partition) => {
    const { topic, index, log } = partition;
    const [end, needed] = [log.logEndOffset, endOf(partition)];
    const what = withoutFolder.has(partitionName(topic, index)) ? 'no folder' : `ends at ${end}`;
    return `${partitionName(topic, index)} (${what}${needed > end ? `, groups committed ${needed}` : ''})`;
  });
  if (reported.length > 0)
    logger.warn(
      { partitions: reported.length },
      `the log folder lacks records that were acknowledged: ${firstNames(described)}; ` +
        'these partitions continue in a new leader epoch, beyond every committed offset',
    );
  await partitions.apply(await commit((image) => newEpochs(image, brokerId, lost)));
  for (const partition of lost) await partition.skipTo(endOf(partition));
}

function committedEnds(committed: readonly CommittedOffset[]): Map<string, Offset> {
  const ends = new Map<string, Offset>();
  for (const { topic, partition, offset } of committed) {
    const name = partitionName(topic, partition);
    ends.set(name, Offset(Math.max(offset, ends.get(name) ?? 0)));
  }
  return ends;
}

function newEpochs(image: ClusterImage, brokerId: number, lost: readonly Partition[]): MetadataChange[] {
  return lost.flatMap(({ topic, topicId, index }): MetadataChange[] => {
    const known = image.topics.get(topic);
    const partition = known?.partitions[index];
    if (known?.id !== topicId || partition?.leader !== brokerId) return [];
    const leaderEpoch = LeaderEpoch(partition.leaderEpoch + 1);
    const partitionEpoch = partition.partitionEpoch + 1;
    return [{ type: 'partition-changed', id: topicId, partition: { ...partition, leaderEpoch, partitionEpoch } }];
  });
}

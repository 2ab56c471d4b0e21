// The state of this broker for the operations view and the metrics: plain values, taken at one moment.
import { ErrorCode, type BrokerId, type LeaderEpoch, type Offset, type Uuid } from '@milepost/core';
import type { DescribedGroup, GroupCoordinator } from '@milepost/coordinators';
import { type ClusterImage, type Configs, isInternalTopic } from '@milepost/metadata';
import type { LocalPartitions } from '../partitions/local-partitions.ts';

export interface TopicSnapshot {
  readonly name: string;
  readonly id: Uuid;
  readonly isInternal: boolean;
  /** Only the configs set for this topic. */
  readonly configs: Configs;
  readonly partitions: readonly PartitionSnapshot[];
}

export interface PartitionSnapshot {
  readonly index: number;
  readonly leader: BrokerId;
  readonly leaderEpoch: LeaderEpoch;
  readonly replicas: readonly BrokerId[];
  readonly isr: readonly BrokerId[];
  /** Of the replica here, led or followed; undefined if there is none. */
  readonly log:
    | {
        readonly logStartOffset: Offset;
        readonly logEndOffset: Offset;
        readonly highWatermark: Offset;
        readonly sizeBytes: number;
        /** Its disk failed: it accepts no more records until a restart. */
        readonly isFailed: boolean;
      }
    | undefined;
}

type Member = DescribedGroup['members'][number];

export interface GroupSnapshot {
  readonly groupId: string;
  /** `classic`, `consumer`, `share`. */
  readonly type: string;
  readonly state: string;
  readonly protocolType: string;
  /** The assignor of a consumer group or a share group. */
  readonly protocol: string;
  readonly members: readonly Pick<Member, 'memberId' | 'instanceId' | 'clientId' | 'clientHost'>[];
  readonly offsets: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly offset: Offset;
    readonly metadata: string;
    /** Records between the committed offset and the high watermark, never below 0; undefined if unknown. */
    readonly lag: number | undefined;
  }[];
}

export function topicSnapshots(image: ClusterImage, local: LocalPartitions): TopicSnapshot[] {
  return [...image.topics.values()].map(({ name, id, configs, partitions }) => ({
    name,
    id,
    isInternal: isInternalTopic(name),
    configs,
    partitions: partitions.map(({ index, leader, leaderEpoch, replicas, isr }) => {
      const led = local.get(name, index);
      const log = led && {
        logStartOffset: led.log.logStartOffset,
        logEndOffset: led.log.logEndOffset,
        highWatermark: led.highWatermark,
        sizeBytes: led.log.sizeBytes,
        isFailed: led.isFailed,
      };
      return { index, leader, leaderEpoch, replicas, isr, log };
    }),
  }));
}

export async function groupSnapshots(groups: GroupCoordinator, local: LocalPartitions): Promise<GroupSnapshot[]> {
  const listed = (await groups.list({ states: [], types: [] })).groups;
  const snapshots = listed.map(async ({ groupId, type, protocolType }): Promise<GroupSnapshot | undefined> => {
    const group = await described(groups, groupId, type);
    if (group?.error !== ErrorCode.NONE) return undefined;
    const fetched = await groups.fetchOffsets({ groupId, topics: null, requireStable: false });
    const offsets = fetched.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partition, offset, metadata }) => {
        const end = local.get(name, partition)?.highWatermark;
        return {
          topic: name,
          partition,
          offset,
          metadata,
          lag: end === undefined ? undefined : Math.max(0, end - offset),
        };
      }),
    );
    const { state, protocol, members } = group;
    return { groupId, type, state, protocolType, protocol, members, offsets };
  });
  return (await Promise.all(snapshots)).filter((snapshot) => snapshot !== undefined);
}

async function described(groups: GroupCoordinator, groupId: string, type: string) {
  if (type === 'consumer') {
    const [group] = await groups.describeConsumers([groupId]);
    return group && { ...group, protocol: group.assignor };
  }
  if (type === 'share') {
    const [group] = await groups.describeShareGroups([groupId]);
    const members = group?.members.map((member) => ({ ...member, instanceId: null })) ?? [];
    return group && { ...group, protocol: group.assignor, members };
  }
  const [group] = await groups.describe([groupId]);
  return group && { ...group, protocol: group.protocolData };
}

// ElectLeaders, versions 0 to 2: the preferred leaders (KIP-183), or any replica at all (KIP-460), which may lose records. For
// all partitions at once (null) those that need no election are left out, as in Kafka.
import { ErrorCode } from '@milepost/core';
import { ElectionType, ElectLeaders } from '@milepost/wire';
import type { NamedPartition } from '../admin/leader-decisions.ts';
import { ALTER_CLUSTER } from '../security/needs.ts';
import { handler } from './handler.ts';

export const electLeaders = handler(
  ElectLeaders,
  [ALTER_CLUSTER],
  async ({ electionType, topicPartitions }, { services, permissions, count }) => {
    const refusedAll = permissions.refusal(ALTER_CLUSTER);
    if (refusedAll) {
      const { error: errorCode, message: errorMessage } = refusedAll;
      count(errorCode);
      const replicaElectionResults = (topicPartitions ?? []).map(({ topic, partitions }) => ({
        topic,
        partitionResult: partitions.map((partitionId) => ({ partitionId, errorCode, errorMessage })),
      }));
      return { errorCode, replicaElectionResults };
    }
    if (electionType !== ElectionType.PREFERRED && electionType !== ElectionType.UNCLEAN) {
      count(ErrorCode.INVALID_REQUEST);
      return { errorCode: ErrorCode.INVALID_REQUEST, replicaElectionResults: [] };
    }
    const asked =
      topicPartitions ??
      [...services.image().topics.values()].map(({ name, partitions }) => ({
        topic: name,
        partitions: partitions.map(({ index }) => index),
      }));
    const named = asked.flatMap(({ topic, partitions }) =>
      partitions.map((partition): NamedPartition => ({ topic, partition })),
    );
    const outcomes = await services.controller.cluster.elect(electionType, named);
    let place = 0;
    const replicaElectionResults = asked.map(({ topic, partitions }) => {
      const results = partitions.map((partitionId) => {
        const refused = outcomes[place++];
        return { partitionId, errorCode: refused?.error ?? ErrorCode.NONE, errorMessage: refused?.message ?? null };
      });
      const shown = topicPartitions
        ? results
        : results.filter((one) => one.errorCode !== ErrorCode.ELECTION_NOT_NEEDED);
      for (const { errorCode } of shown) count(errorCode);
      return { topic, partitionResult: shown };
    });
    return { replicaElectionResults };
  },
);

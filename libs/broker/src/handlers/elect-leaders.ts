// ElectLeaders, versions 0 to 2. Leaders do not move, so an election is not needed (ELECTION_NOT_NEEDED) or not
// possible. A request for all partitions (null) leaves out those that need none, as in Kafka.
import { ErrorCode } from '@milepost/core';
import { ElectionType, ElectLeaders } from '@milepost/wire';
import type { NamedPartition } from '../admin/cluster-admin.ts';
import { handler } from './handler.ts';

export const electLeaders = handler(ElectLeaders, ({ electionType, topicPartitions }, { services, count }) => {
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
  const replicaElectionResults = asked.map(({ topic, partitions }) => {
    const named = partitions.map((partition): NamedPartition => ({ topic, partition }));
    const refusals = services.controller.cluster.elect(electionType, named);
    const results = refusals.map(({ error, message }, place) => ({
      partitionId: partitions[place] ?? -1,
      errorCode: error,
      errorMessage: message,
    }));
    const shown = topicPartitions ? results : results.filter((one) => one.errorCode !== ErrorCode.ELECTION_NOT_NEEDED);
    for (const { errorCode } of shown) count(errorCode);
    return { topic, partitionResult: shown };
  });
  return { replicaElectionResults };
});

// Where the leader's log starts and ends, for a follower whose log lies outside (ListOffsets, as a replica).
import { type BrokerId, ErrorCode, type Offset, type Timestamp } from '@milepost/core';
import { type PeerConnection, PeerUnreachable } from '@milepost/peer';
import { ListOffsets, ListOffsetsTime } from '@milepost/wire';
import type { Partition } from './partition.ts';

const VERSION = 9;

/** Undefined: the leader does not say. */
export async function leaderOffsets(
  peer: PeerConnection,
  { topic, index, leaderEpoch }: Partition,
  replicaId: BrokerId,
): Promise<{ start: Offset; end: Offset } | undefined> {
  const ask = async (timestamp: Timestamp): Promise<Offset | undefined> => {
    const partitions = [{ partitionIndex: index, currentLeaderEpoch: leaderEpoch, timestamp }];
    const { topics } = await peer.request(ListOffsets, VERSION, { replicaId, topics: [{ name: topic, partitions }] });
    const answer = topics[0]?.partitions[0];
    return answer?.errorCode === ErrorCode.NONE ? answer.offset : undefined;
  };
  try {
    const [start, end] = await Promise.all([ask(ListOffsetsTime.EARLIEST), ask(ListOffsetsTime.LATEST)]);
    return start === undefined || end === undefined ? undefined : { start, end };
  } catch (failure) {
    if (!(failure instanceof PeerUnreachable)) throw failure;
    return undefined;
  }
}

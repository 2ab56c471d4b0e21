// After the last fault: every broker names the same leader of each partition, and all its replicas are in sync.
import { ErrorCode } from '@milepost/core';
import { Metadata } from '@milepost/wire';
import type { SimPartition } from '../model/observation.ts';
import { SimClient } from './sim-client.ts';
import { sleep, type World } from './world.ts';

const PATIENCE_MS = 60_000;
const PAUSE_MS = 500;
const VERSION = 12;

export async function awaitConvergence(world: World, mayRefuse: (partition: SimPartition) => boolean): Promise<void> {
  const brokers = world.bootstrap.map((address) => new SimClient(world, 'observer', address, 20_000));
  for (let waitedMs = 0; ; waitedMs += PAUSE_MS) {
    const misfit = await misfitOf(world, brokers, mayRefuse);
    if (misfit === undefined) break;
    if (waitedMs > PATIENCE_MS) {
      world.see({ kind: 'not-converged', what: misfit });
      break;
    }
    await sleep(world, PAUSE_MS);
  }
  for (const broker of brokers) broker.disconnect();
}

async function misfitOf(
  world: World,
  brokers: readonly SimClient[],
  mayRefuse: (partition: SimPartition) => boolean,
): Promise<string | undefined> {
  const leaders = new Map<SimPartition, string>();
  for (const broker of brokers) {
    const { host } = broker.address;
    const response = await broker.ask(Metadata, VERSION, { topics: null, allowAutoTopicCreation: false });
    if (!response) return `${host} does not respond`;
    const topics = new Map(response.topics.map((topic) => [topic.topicId, topic.partitions]));
    for (const partition of world.topics.partitions()) {
      if (mayRefuse(partition)) continue;
      const { name } = partition;
      const found = topics.get(partition.topic.id)?.find(({ partitionIndex }) => partitionIndex === partition.index);
      if (!found) return `${host} does not know ${name}`;
      const { errorCode, leaderId, leaderEpoch, replicaNodes, isrNodes } = found;
      if (errorCode !== ErrorCode.NONE) return `${host} answers ${errorCode} for ${name}`;
      if (isrNodes.length < replicaNodes.length)
        return `${name} has replicas ${replicaNodes.join(' ')}, and in sync are ${isrNodes.join(' ')}`;
      const leader = `${leaderId} in epoch ${leaderEpoch}`;
      const other = leaders.get(partition) ?? leader;
      if (leader !== other) return `${name} is led by ${other}, and ${host} names ${leader}`;
      leaders.set(partition, leader);
    }
  }
  return undefined;
}

// The start of most scenarios: a topic that exists and is led.
import { ErrorCode } from '@milepost/core';
import { CreateTopics, DeleteTopics, InitProducerId, ListOffsets, Produce } from '@milepost/wire';
import type { Stage } from './stage.ts';

export async function createTopic(
  on: Stage,
  name: string,
  { partitions = 1, configs = {} }: { partitions?: number; configs?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const topic = on.own(name);
  const created = await on.get(CreateTopics, 7, {
    topics: [
      {
        name: topic,
        numPartitions: partitions,
        replicationFactor: 1,
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
      },
    ],
    timeoutMs: 10_000,
  });
  const { errorCode, errorMessage } = created.topics[0] ?? { errorCode: -1, errorMessage: 'no answer' };
  if (errorCode !== ErrorCode.NONE) throw new Error(`${topic} was not created: ${errorCode} ${errorMessage}`);
  await on.until(() => isLed(on, topic, partitions));
  return topic;
}

/** Kafka responds to a creation before each of its parts knows of it. */
export async function isLed(on: Stage, topic: string, partitions = 1): Promise<boolean> {
  const indexes = Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, timestamp: -2 }));
  const { topics } = await on.get(ListOffsets, 5, { replicaId: -1, topics: [{ name: topic, partitions: indexes }] });
  return topics.every((one) => one.partitions.every(({ errorCode }) => errorCode === ErrorCode.NONE));
}

export async function deleteTopic(on: Stage, topic: string): Promise<void> {
  await on.get(DeleteTopics, 5, { topicNames: [topic], timeoutMs: 10_000 });
  await on.until(async () => !(await isLed(on, topic)));
}

export async function produce(on: Stage, topic: string, records: Buffer, partition = 0): Promise<void> {
  const { responses } = await on.get(Produce, 9, producing(topic, records, partition));
  const { errorCode } = responses[0]?.partitionResponses[0] ?? { errorCode: -1 };
  if (errorCode !== ErrorCode.NONE) throw new Error(`nothing was produced to ${topic}: error ${errorCode}`);
}

export const producing = (name: string, records: Buffer | null, index = 0, acks = -1) => ({
  acks,
  timeoutMs: 10_000,
  topicData: [{ name, partitionData: [{ index, records }] }],
});

export async function newProducer(on: Stage): Promise<bigint> {
  const answer = await on.get(InitProducerId, 2, { transactionalId: null, transactionTimeoutMs: 60_000 });
  if (answer.errorCode !== ErrorCode.NONE) throw new Error(`no producer id: error ${answer.errorCode}`);
  return answer.producerId;
}

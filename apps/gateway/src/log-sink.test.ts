import { type IntakeRecord, RecordsRefused } from '@milepost/ingress';
import { LogSink } from './log-sink.ts';

const record: IntakeRecord = {
  topic: 'truck_gps',
  partition: 0,
  key: Buffer.from('t-1'),
  value: Buffer.from('{}'),
  headers: new Map(),
  timestamp: 0,
};
const sinkThatFails = (error: Error): Promise<LogSink> =>
  LogSink.open({ partitionsOf: async () => 10, send: () => Promise.reject(error) }, ['truck_gps']);
const answered = (apiId: string): Error => Object.assign(new Error('answered'), { apiId });

test('a key has the same partition as in every Kafka client', async () => {
  const sink = await sinkThatFails(new Error());
  // As Java's DefaultPartitioner: murmur2 of "t-1", of "truck-42", of "gothenburg", over ten partitions.
  const partitions = ['t-1', 'truck-42', 'gothenburg'].map((key) => sink.partitionOf('truck_gps', Buffer.from(key)));
  expect(partitions).toEqual([4, 3, 7]);
});

test('a permanent refusal of the broker differs from a temporary one', async () => {
  const wrapped = new AggregateError([new Error('send failed', { cause: answered('MESSAGE_TOO_LARGE') })]);
  await expect((await sinkThatFails(wrapped)).send([record])).rejects.toThrow(RecordsRefused);
  const passing = answered('NOT_LEADER_OR_FOLLOWER');
  await expect((await sinkThatFails(passing)).send([record])).rejects.toBe(passing);
});

// Reads whole topics back with kafkajs: a client that shares no code with ours.
import type { KafkaAddress } from '@milepost/streams';
import { Kafka, logLevel, type SASLOptions } from 'kafkajs';

export interface ReadRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string;
  readonly headers: Record<string, string>;
}

export function kafkajs(at: KafkaAddress | number): Kafka {
  const { bootstrapServers, sasl, tls } = typeof at === 'number' ? { bootstrapServers: [`127.0.0.1:${at}`] } : at;
  const door = {
    ...(tls ? { ssl: { ...tls } } : {}),
    ...(sasl ? { sasl: { ...sasl, mechanism: sasl.mechanism.toLowerCase() } as SASLOptions } : {}),
  };
  // The client's own limit for a connection is a second, which may be too short on a busy machine.
  const quiet = { logLevel: logLevel.NOTHING, clientId: 'test', connectionTimeout: 30_000, retry: { retries: 8 } };
  return new Kafka({ brokers: [...bootstrapServers], ...door, ...quiet });
}

/** Every record of the topic up to its current end, by partition and offset. */
export async function readAll(at: KafkaAddress | number, topic: string): Promise<ReadRecord[]> {
  const kafka = kafkajs(at);
  const admin = kafka.admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets(topic);
  const left = new Map(
    offsets.filter(({ low, high }) => low !== high).map(({ partition, high }) => [partition, Number(high)]),
  );
  const records: ReadRecord[] = [];
  if (left.size > 0) {
    const groupId = `reader-${process.pid}-${readers++}`;
    const consumer = kafka.consumer({ groupId });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      // After an error that passes, as a coordinator that is loading, it starts again by itself.
      consumer.on('consumer.crash', ({ payload }) => {
        if (!payload.restart) reject(payload.error);
      });
      consumer
        .run({
          eachMessage: async ({ partition, message }) => {
            const offset = Number(message.offset);
            if (offset < (left.get(partition) ?? 0) || left.has(partition) === false)
              records.push(recordOf(partition, message));
            if (offset + 1 >= (left.get(partition) ?? Number.POSITIVE_INFINITY)) left.delete(partition);
            if (left.size === 0) resolve();
          },
        })
        .catch(reject);
    });
    await consumer.disconnect();
    await admin.deleteGroups([groupId]).catch(() => {});
  }
  await admin.disconnect();
  return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}

let readers = 0;

function recordOf(
  partition: number,
  message: { offset: string; key: Buffer | null; value: Buffer | null; headers?: Record<string, unknown> },
): ReadRecord {
  const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]);
  return {
    partition,
    offset: Number(message.offset),
    key: message.key?.toString() ?? null,
    value: message.value?.toString() ?? '',
    headers: Object.fromEntries(headers) as Record<string, string>,
  };
}

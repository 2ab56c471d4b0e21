// `npm run bench:partitions -- [--partitions 1000,10000] [--against milepost,kafka]`: the cost of partitions for a
// broker that does nothing else: to create, list and write to them, to hold them in memory, to start with them.
import { parseArgs } from 'node:util';
import { ErrorCode, Timestamp } from '@milepost/core';
import { buildBatch } from '@milepost/records';
import { CreateTopics, Metadata, Produce } from '@milepost/wire';
import type { RawClient } from '../../libs/broker/src/testing/raw-client.ts';
import { report, type Row } from './figures.ts';
import { type Kind, newFolder, removeFolder, Server } from './server.ts';

const options = {
  partitions: { type: 'string', default: '1000,10000' },
  against: { type: 'string', default: 'milepost,kafka' },
} as const;
const { values: args } = parseArgs({ options });
/** Kafka creates at most some ten thousand records of metadata in one request. */
const PARTITIONS_PER_TOPIC = 1_000;
const PARTITIONS_PER_REQUEST = 500;
const LIMIT_MS = 600_000;
const rows: Row[] = [];

for (const count of args.partitions.split(',').map(Number))
  for (const kind of args.against.split(',') as Kind[]) await measure(kind, count);
report(rows, true, 'partitions');

async function measure(kind: Kind, count: number): Promise<void> {
  const add = (what: string, value: number, unit: string, how: string): void => {
    const name = `${kind}, ${count} partitions: ${what}`;
    rows.push({ name, value, unit, how });
    process.stdout.write(`${name}: ${Math.round(value)} ${unit}\n`);
  };
  const folder = newFolder();
  const empty = await Server.start(kind, folder);
  const idleBytes = empty.memoryBytes;
  const client = await empty.client();
  add('create', await timed(() => create(client, count)), 'ms', 'topics of 1,000, until each has a leader');
  add('Metadata', await timed(() => led(client, count)), 'ms', 'one answer with all of them');
  add('a record to each', await timed(() => produceToAll(client, count)), 'ms', 'acks=all, 500 in a request');
  add('memory', (empty.memoryBytes - idleBytes) / 1e6, 'MB', 'resident, beyond that of the same broker without them');
  add('clean stop', await timed(() => empty.stop()), 'ms', 'until the process is gone');

  const clean = await Server.start(kind, folder);
  add('clean start', clean.startMs + (await timed(() => allLed(clean, count))), 'ms', 'until each has a leader');
  const again = await clean.client();
  await produceToAll(again, count);
  add('memory after a start', clean.memoryBytes / 1e6, 'MB', 'resident, all of it, after a record to each');
  await clean.kill();

  const recovered = await Server.start(kind, folder);
  add('start after kill -9', recovered.startMs + (await timed(() => allLed(recovered, count))), 'ms', 'the same');
  await recovered.stop();
  removeFolder(folder);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

interface Many {
  readonly name: string;
  readonly numPartitions: number;
}

function topicsOf(count: number): Many[] {
  const sizes: number[] = [];
  for (let left = count; left > 0; left -= PARTITIONS_PER_TOPIC) sizes.push(Math.min(left, PARTITIONS_PER_TOPIC));
  return sizes.map((numPartitions, n) => ({ name: `many-${n}`, numPartitions }));
}

async function create(client: RawClient, count: number): Promise<void> {
  await Promise.all(
    topicsOf(count).map(async (topic) => {
      const topics = [{ ...topic, replicationFactor: 1, assignments: [], configs: [] }];
      const made = await client.ask(CreateTopics, 7, { topics, timeoutMs: LIMIT_MS });
      if (made.topics[0]?.errorCode !== 0) throw new Error(`not created: ${JSON.stringify(made.topics[0])}`);
    }),
  );
  while ((await led(client, count)) < count) await pause();
}

/** How many partitions have a leader. */
async function led(client: RawClient, count: number): Promise<number> {
  const { topics } = await client.ask(Metadata, 9, { topics: topicsOf(count).map(({ name }) => ({ name })) });
  const partitions = topics.flatMap((topic) => topic.partitions);
  return partitions.filter(({ leaderId, errorCode }) => leaderId >= 0 && errorCode === 0).length;
}

async function allLed(server: Server, count: number): Promise<void> {
  const client = await server.client();
  while ((await led(client, count)) < count) await pause();
}

async function produceToAll(client: RawClient, count: number): Promise<void> {
  const records = (): Buffer =>
    buildBatch({ records: [{ key: null, value: Buffer.from('position'), timestamp: Timestamp(Date.now()) }] });
  const requests: Promise<void>[] = [];
  for (const { name, numPartitions } of topicsOf(count))
    for (let from = 0; from < numPartitions; from += PARTITIONS_PER_REQUEST) {
      const size = Math.min(PARTITIONS_PER_REQUEST, numPartitions - from);
      const indexes = Array.from({ length: size }, (_, n) => from + n);
      requests.push(produce(client, name, indexes, records()));
    }
  await Promise.all(requests);
}

/** Kafka reports a partition as led before its broker has created it: a client retries, and so does this. */
async function produce(client: RawClient, name: string, indexes: readonly number[], records: Buffer): Promise<void> {
  for (let left = indexes; left.length > 0; ) {
    const partitionData = left.map((index) => ({ index, records }));
    const topicData = [{ name, partitionData }];
    const { responses } = await client.ask(Produce, 9, { acks: -1, timeoutMs: LIMIT_MS, topicData });
    const answers = responses[0]?.partitionResponses ?? [];
    const failed = answers.find(({ errorCode }) => errorCode !== ErrorCode.NONE && !isNotYet(errorCode));
    if (failed) throw new Error(`not produced: ${JSON.stringify(failed)}`);
    left = answers.filter(({ errorCode }) => isNotYet(errorCode)).map(({ index }) => index);
    if (left.length > 0) await pause();
  }
}

function isNotYet(error: ErrorCode): boolean {
  return error === ErrorCode.NOT_LEADER_OR_FOLLOWER || error === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

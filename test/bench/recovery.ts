// `npm run bench:recovery -- [--gigabytes 10 | --quick] [--against milepost,kafka]`: the time until a broker responds
// again after kill -9 with a big log. As it was killed, it reads what lies beyond the recovery point. With the recovery
// points removed, it reads everything.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Timestamp } from '@milepost/core';
import { buildBatch } from '@milepost/records';
import { CreateTopics, Metadata, Produce } from '@milepost/wire';
import type { RawClient } from '../../libs/broker/src/testing/raw-client.ts';
import { report, type Row } from './figures.ts';
import { type Kind, newFolder, removeFolder, Server } from './server.ts';

const options = {
  gigabytes: { type: 'string', default: '10' },
  quick: { type: 'boolean', default: false },
  against: { type: 'string', default: 'milepost,kafka' },
} as const;
const { values: args } = parseArgs({ options });
const gigabytes = args.quick ? 1 : Number(args.gigabytes);
const TOPIC = 'big';
const PARTITIONS = 8;
const BATCH_BYTES = 1_000_000;
const ON_THE_WAY = 8;
const RECOVERY_POINTS = 'recovery-point-offset-checkpoint';
const rows: Row[] = [];

for (const kind of args.against.split(',') as Kind[]) await measure(kind);
report(rows, true, 'recovery');

async function measure(kind: Kind): Promise<void> {
  const folder = newFolder();
  const logs = join(folder, kind === 'kafka' ? 'logs' : 'log');
  const first = await Server.start(kind, folder);
  const client = await first.client();
  const topic = { name: TOPIC, numPartitions: PARTITIONS, replicationFactor: 1, assignments: [], configs: [] };
  await client.ask(CreateTopics, 7, { topics: [topic], timeoutMs: 30_000 });
  await untilLed(client);
  const began = performance.now();
  await fill(client, gigabytes * 1e9);
  const seconds = (performance.now() - began) / 1000;
  process.stdout.write(`${kind}: ${gigabytes} GB written in ${seconds.toFixed(1)} s\n`);
  await first.kill();
  const add = (what: string, value: number): void => {
    const how = `${gigabytes} GB in ${PARTITIONS} partitions, until each has a leader; the page cache is warm`;
    rows.push({ name: `${kind}: start after kill -9, ${what}`, value, unit: 'ms', how });
    process.stdout.write(`${kind}: start after kill -9, ${what}: ${Math.round(value)} ms\n`);
  };
  add('as it was', await started(kind, folder));
  rmSync(join(logs, RECOVERY_POINTS));
  add('everything read', await started(kind, folder));
  const idle = await Server.start(kind, folder);
  await idle.stop();
  add('none: a clean stop instead', await started(kind, folder));
  removeFolder(folder);
}

/** Starts it, waits for the leaders, kills it. */
async function started(kind: Kind, folder: string): Promise<number> {
  const began = performance.now();
  const server = await Server.start(kind, folder);
  await untilLed(await server.client());
  const tookMs = performance.now() - began;
  await server.kill();
  return tookMs;
}

async function untilLed(client: RawClient): Promise<void> {
  for (;;) {
    const { topics } = await client.ask(Metadata, 9, { topics: [{ name: TOPIC }] });
    const led = topics[0]?.partitions.filter(({ leaderId, errorCode }) => leaderId >= 0 && errorCode === 0).length ?? 0;
    if (led === PARTITIONS) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Round robin over the partitions, some requests in flight. */
async function fill(client: RawClient, totalBytes: number): Promise<void> {
  const value = Buffer.alloc(1_000, 'position ');
  const timestamp = Timestamp(Date.now());
  const records = buildBatch({
    records: Array.from({ length: BATCH_BYTES / 1_000 }, () => ({ key: null, value, timestamp })),
  });
  let left = Math.ceil(totalBytes / records.length);
  const lane = async (): Promise<void> => {
    while (left > 0) {
      const index = left-- % PARTITIONS;
      const topicData = [{ name: TOPIC, partitionData: [{ index, records }] }];
      const request = { transactionalId: null, acks: -1, timeoutMs: 60_000, topicData };
      const { responses } = await client.ask(Produce, 9, request);
      const errorCode = responses[0]?.partitionResponses[0]?.errorCode;
      if (errorCode !== 0) throw new Error(`produce: error ${errorCode}`);
    }
  };
  await Promise.all(Array.from({ length: ON_THE_WAY }, lane));
  client.close();
}

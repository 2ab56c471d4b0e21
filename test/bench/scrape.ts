// The cost of a scrape with 1,000 partitions and a group that has committed in half of them: CPU time, which a busy
// machine does not stretch. A figure, never a claim.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GroupTable, MemoryGroupStore, MemoryShareStateStore, MemoryTransactionStore } from '@milepost/coordinators';
import { BrokerId } from '@milepost/core';
import { createBroker } from '@milepost/broker';
import { MemoryBrokerLeases, MemoryMetadataDatabase, MemoryMetadataStore } from '@milepost/metadata';
import { nodeHost } from '@milepost/node-host';
import { PrometheusMeter } from '@milepost/telemetry';
import { Admin, Producer } from '@platformatic/kafka';

const TOPICS = 20;
const PARTITIONS = 50;
/** Not counted: a program that is scraped every few seconds is warm. */
const WARM_UP = 40;
const SCRAPES = 60;

export interface ScrapeFigure {
  readonly partitions: number;
  readonly series: number;
  readonly medianCpuMs: number;
  readonly worstCpuMs: number;
}

export async function measureScrape(): Promise<ScrapeFigure> {
  const dataDir = mkdtempSync(join(tmpdir(), 'milepost-scrape-'));
  const meter = new PrometheusMeter();
  const host = nodeHost({ meter });
  const database = new MemoryMetadataDatabase();
  const broker = await createBroker(
    host,
    {
      metadata: new MemoryMetadataStore(database),
      leases: new MemoryBrokerLeases(database, host.clock),
      groups: new MemoryGroupStore(new GroupTable()),
      shares: new MemoryShareStateStore(),
      transactions: new MemoryTransactionStore(),
    },
    {
      brokerId: BrokerId(1),
      dataDir,
      listen: { host: '127.0.0.1', port: 0 },
      advertised: { host: '127.0.0.1', port: 0 },
      rack: null,
      flush: 'always',
      properties: {},
    },
  );
  try {
    await load(`127.0.0.1:${broker.address.port}`);
    const took: number[] = [];
    let page = '';
    for (let scrape = -WARM_UP; scrape < SCRAPES; scrape++) {
      const began = process.cpuUsage();
      page = await meter.text();
      const { user, system } = process.cpuUsage(began);
      if (scrape >= 0) took.push((user + system) / 1000);
    }
    took.sort((a, b) => a - b);
    const series = page.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
    const [medianCpuMs, worstCpuMs] = [took[SCRAPES / 2] ?? 0, took.at(-1) ?? 0];
    return { partitions: TOPICS * PARTITIONS, series, medianCpuMs, worstCpuMs };
  } finally {
    await broker.close();
    rmSync(dataDir, { recursive: true });
  }
}

async function load(bootstrap: string): Promise<void> {
  const base = { clientId: 'scrape', bootstrapBrokers: [bootstrap] };
  const admin = new Admin(base);
  const producer = new Producer(base);
  const topics = Array.from({ length: TOPICS }, (_, index) => `topic-${index}`);
  const partitions = Array.from({ length: PARTITIONS }, (_, index) => index);
  try {
    await admin.createTopics({ topics, partitions: PARTITIONS, replicas: 1 });
    const records = topics.flatMap((topic) =>
      partitions.map((partition) => ({ topic, partition, value: Buffer.from('v') })),
    );
    await producer.send({ messages: records });
    const half = records.filter(({ partition }) => partition % 2 === 0);
    await admin.alterConsumerGroupOffsets({
      groupId: 'scrape',
      topics: topics.map((name) => ({
        name,
        partitionOffsets: half
          .filter(({ topic }) => topic === name)
          .map(({ partition }) => ({ partition, offset: 0n })),
      })),
    });
  } finally {
    await Promise.all([admin.close(), producer.close()]);
  }
}

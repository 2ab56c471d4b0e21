// What Prometheus reads from a running broker, under the names that public dashboards use.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ErrorCode, Offset, Timestamp, ZERO_UUID } from '@milepost/core';
import { nodeHost } from '@milepost/node-host';
import { buildBatch } from '@milepost/records';
import { PrometheusMeter } from '@milepost/telemetry';
import { CreateTopics, DeleteGroups, DeleteTopics, OffsetCommit, Produce } from '@milepost/wire';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import type { RawClient } from './testing/raw-client.ts';

let folder: string;
let meter: PrometheusMeter;
let broker: BrokerUnderTest;
let client: RawClient;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'milepost-metrics-'));
  meter = new PrometheusMeter();
  broker = new BrokerUnderTest(nodeHost({ meter }), folder);
  await broker.start();
  client = await broker.client();
});
afterEach(async () => {
  await broker.stop();
  rmSync(folder, { recursive: true });
});

async function create(name: string, numPartitions: number): Promise<void> {
  await client.ask(CreateTopics, 7, { topics: [{ name, numPartitions, replicationFactor: 1 }] });
}
async function produce(name: string, index: number, timestampMs: number, count = 1): Promise<void> {
  const record = { key: null, value: Buffer.from('v'), timestamp: Timestamp(timestampMs) };
  const records = buildBatch({ records: Array.from({ length: count }, () => record) });
  const { responses } = await client.ask(Produce, 8, {
    acks: -1,
    timeoutMs: 60_000,
    topicData: [{ name, topicId: ZERO_UUID, partitionData: [{ index, records }] }],
  });
  expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.NONE);
}
async function commit(groupId: string, name: string, partitionIndex: number, offset: number): Promise<void> {
  const partition = { partitionIndex, committedOffset: Offset(offset), committedMetadata: '' };
  await client.ask(OffsetCommit, 8, { groupId, memberId: '', topics: [{ name, partitions: [partition] }] });
}

/** Series by name and labels, labels in the order of the page. */
async function scrape(): Promise<Map<string, number>> {
  const lines = (await meter.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

test('Grafana dashboard 7589 finds the names and labels that it uses', async () => {
  await create('trucks', 2);
  await produce('trucks', 1, Date.now(), 3);
  await commit('g', 'trucks', 1, 1);
  const series = await scrape();
  expect(series.get('kafka_topic_partition_current_offset{topic="trucks",partition="1"}')).toBe(3);
  expect(series.get('kafka_consumergroup_lag{consumergroup="g",topic="trucks",partition="1"}')).toBe(2);
  expect(series.get('kafka_consumergroup_current_offset{consumergroup="g",topic="trucks",partition="1"}')).toBe(1);
  expect(series.get('kafka_topic_partitions{topic="trucks"}')).toBe(2);
});

test('lag in seconds is the age of the oldest unread record, and 0 when there is none', async () => {
  await create('trucks', 1);
  await produce('trucks', 0, Date.now() - 60_000);
  await produce('trucks', 0, Date.now() - 20_000);
  const lagSeconds = async () =>
    (await scrape()).get('kafka_consumergroup_lag_seconds{consumergroup="g",topic="trucks",partition="0"}');
  await commit('g', 'trucks', 0, 0);
  expect(Math.round((await lagSeconds()) ?? 0)).toBeGreaterThanOrEqual(60);
  await commit('g', 'trucks', 0, 1);
  const second = await lagSeconds();
  expect(second).toBeGreaterThanOrEqual(20);
  expect(second).toBeLessThan(60);
  await commit('g', 'trucks', 0, 2);
  expect(await lagSeconds()).toBe(0);
});

test('lag is never negative, in records or in seconds', async () => {
  await create('trucks', 1);
  await produce('trucks', 0, Date.now() + 3_600_000);
  await commit('ahead', 'trucks', 0, 9);
  await commit('behind', 'trucks', 0, 0);
  const series = [...(await scrape())].filter(([name]) => name.includes('_lag'));
  expect(series.length).toBeGreaterThan(0);
  expect(series.filter(([, value]) => value < 0)).toEqual([]);
});

test('a group without members keeps its lag series; a deleted group or topic has none', async () => {
  await create('trucks', 1);
  await create('others', 1);
  await produce('trucks', 0, Date.now());
  await commit('empty', 'trucks', 0, 0);
  await commit('other', 'others', 0, 0);
  const naming = async (what: string) => [...(await scrape()).keys()].filter((name) => name.includes(what));
  expect((await scrape()).get('kafka_consumergroup_members{consumergroup="empty"}')).toBe(0);
  expect((await scrape()).get('kafka_consumergroup_lag{consumergroup="empty",topic="trucks",partition="0"}')).toBe(1);
  await client.ask(DeleteGroups, 2, { groupsNames: ['empty'] });
  expect(await naming('consumergroup="empty"')).toEqual([]);
  await client.ask(DeleteTopics, 5, { topicNames: ['trucks'], timeoutMs: 60_000 });
  expect(await naming('topic="trucks"')).toEqual([]);
  expect((await naming('topic="others"')).length).toBeGreaterThan(0);
});

test('a topic is counted from 0, before its first record', async () => {
  await create('trucks', 1);
  expect((await scrape()).get('kafka_server_brokertopicmetrics_messagesin_total{topic="trucks"}')).toBe(0);
});

test('every counter ends in _total, and no other metric does', async () => {
  const own = (await meter.describe()).filter(({ name }) => /^(kafka|milepost)_/.test(name));
  expect(own.length).toBeGreaterThan(40);
  expect(own.filter(({ name, type }) => (type === 'counter') !== name.endsWith('_total'))).toEqual([]);
});

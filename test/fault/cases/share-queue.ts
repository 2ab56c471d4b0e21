// Workers of a share group, and kill -9 of their broker at random moments: a record whose acceptance was answered is never
// delivered again, and every record is accepted in the end.
import { setTimeout as pause } from 'node:timers/promises';
import { ErrorCode } from '@milepost/core';
import { nodeNetwork } from '@milepost/node-host';
import { DescribeShareGroupOffsets, IncrementalAlterConfigs } from '@milepost/wire';
import { RawClient } from '../../../libs/broker/src/testing/raw-client.ts';
import { kafkajs } from '../../e2e/support/log-reader.ts';
import { until } from '../../e2e/support/until.ts';
import { check } from '../../support/run.ts';
import type { FaultCase } from '../fault-case.ts';
import { Appliance } from '../support/appliance.ts';
import { type Delivery, ShareWorker } from '../support/share-worker.ts';

const TOPIC = 'commands';
const GROUP = 'truck-commands';
const WORKERS = 3;
const RECORDS_A_ROUND = 2_000;
const MOST_MS_TO_KILL = 1_500;
const RESUME_LIMIT_MS = 180_000;
const GROUP_RESOURCE = 32;

export const shareQueue: FaultCase = {
  name: 'share-queue',
  claim: 'kill -9 of the broker brings no accepted record of a queue back, and loses none',
  rounds: 5,
  async run({ rounds, note }) {
    const appliance = await Appliance.start({ KAFKA_GROUP_SHARE_ASSIGNMENT_INTERVAL_MS: '0' });
    const { kafka: port } = appliance.ports;
    const admin = kafkajs(port).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 2 }], waitForLeaders: true });
    await admin.disconnect();
    await beginAtTheStart(port);
    const workers = Array.from({ length: WORKERS }, () => new ShareWorker(port, GROUP, TOPIC));
    const accepted = (): number => new Set(acceptedOf(workers).map(({ value }) => value)).size;

    let sent = 0;
    for (let round = 0; round < rounds; round++) {
      await send(port, sent, RECORDS_A_ROUND);
      sent += RECORDS_A_ROUND;
      const before = accepted();
      await until('the workers go on', () => accepted() > before, RESUME_LIMIT_MS);
      await pause(Math.random() * MOST_MS_TO_KILL);
      await appliance.killNode();
      await appliance.start();
      note(`kill ${round + 1} of ${rounds}, after ${accepted()} of ${sent} accepted records`);
    }
    // An acceptance that was stored may not have been answered: its record does not come again.
    const delivered = (): number =>
      new Set(workers.flatMap(({ deliveries }) => deliveries.map(({ value }) => value))).size;
    await until('every record was delivered', () => delivered() === sent, RESUME_LIMIT_MS);
    await until('nothing is left to do', () => hasNoLag(port), RESUME_LIMIT_MS);
    for (const worker of workers) await worker.stop();
    const returned = afterAcceptance(workers.flatMap(({ deliveries }) => deliveries));
    check(returned.length === 0, 'no accepted record was delivered again', returned.slice(0, 5));
    check((await appliance.stop()) === 0, 'a clean stop', appliance.log);
  },
};

const acceptedOf = (workers: readonly ShareWorker[]): Delivery[] =>
  workers.flatMap(({ deliveries }) => deliveries.filter(({ acceptedAtMs }) => acceptedAtMs !== undefined));

/** Deliveries that began after the acceptance of the same record was answered. */
function afterAcceptance(deliveries: readonly Delivery[]): Delivery[] {
  const first = new Map<string, number>();
  for (const { value, acceptedAtMs } of deliveries)
    if (acceptedAtMs !== undefined) first.set(value, Math.min(acceptedAtMs, first.get(value) ?? acceptedAtMs));
  return deliveries.filter(({ value, deliveredAtMs }) => deliveredAtMs > (first.get(value) ?? deliveredAtMs));
}

async function hasNoLag(port: number): Promise<boolean> {
  const client = await RawClient.connect(nodeNetwork, { host: '127.0.0.1', port });
  const { groups } = await client.ask(DescribeShareGroupOffsets, 1, { groups: [{ groupId: GROUP, topics: null }] });
  client.close();
  return groups[0]?.topics[0]?.partitions.every(({ lag }) => lag === 0) ?? false;
}

async function beginAtTheStart(port: number): Promise<void> {
  const client = await RawClient.connect(nodeNetwork, { host: '127.0.0.1', port });
  const configs = [{ name: 'share.auto.offset.reset', configOperation: 0, value: 'earliest' }];
  const resources = [{ resourceType: GROUP_RESOURCE, resourceName: GROUP, configs }];
  const { responses } = await client.ask(IncrementalAlterConfigs, 1, { resources, validateOnly: false });
  client.close();
  check(responses[0]?.errorCode === ErrorCode.NONE, 'the group begins at the start', responses[0]?.errorMessage);
}

async function send(port: number, from: number, count: number): Promise<void> {
  const producer = kafkajs(port).producer();
  await producer.connect();
  const messages = Array.from({ length: count }, (_, n) => ({ key: null, value: String(from + n), partition: n % 2 }));
  for (let n = 0; n < count; n += 50) await producer.send({ topic: TOPIC, messages: messages.slice(n, n + 50) });
  await producer.disconnect();
}

// `npm run bench:groups [-- --only commits,rebalances,members] [--seconds 5] [--against ours,kafka]`: the cost of
// groups. Commits a second through PostgreSQL and the time of a rebalance, for this broker and for a real Apache Kafka
// in the same run if there is Java; memory and CPU of 500 groups of ten members, for this broker. Figures, never
// verdicts.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { ErrorCode, Offset } from '@milepost/core';
import { nodeNetwork } from '@milepost/node-host';
import {
  ConsumerGroupHeartbeat,
  ConsumerProtocolSubscription,
  CreateTopics,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  Metadata,
  OffsetCommit,
  SyncGroup,
} from '@milepost/wire';
import { RawClient } from '../../libs/broker/src/testing/raw-client.ts';
import { startBroker } from '../compat/brokers.ts';
import { type Row, report } from './figures.ts';
import { ProgramUnderTest } from './program.ts';

const options = {
  only: { type: 'string', default: 'commits,rebalances,members' },
  seconds: { type: 'string', default: '5' },
  against: { type: 'string', default: 'ours,kafka' },
} as const;
const { only, seconds: secondsText, against } = parseArgs({ options }).values;
const seconds = Number(secondsText);
const TOPIC = 'bench';
const GROUPS = 500;
const MEMBERS = 10;
const rows: Row[] = [];
const add = (name: string, value: number, unit: string, how: string): void =>
  void rows.push({ name, value, unit, how });
const wants = (name: string): boolean => only.split(',').includes(name);

async function run(): Promise<void> {
  for (const who of against.split(',')) {
    if (!wants('commits') && !wants('rebalances')) continue;
    if (who === 'kafka' && spawnSync('java', ['-version']).status !== 0) {
      process.stdout.write('Apache Kafka is not asked: there is no Java\n');
      continue;
    }
    const broker = await startBroker(who, 'bootstrap');
    await makeTopic(broker.bootstrap);
    if (wants('commits')) await commits(who, broker.bootstrap);
    if (wants('rebalances')) for (const members of [1, 10, 100]) await rebalances(who, broker.bootstrap, members);
    await broker.stop();
  }
  if (wants('members')) {
    await many('classic');
    await many('consumer');
  }
  report(rows, only === options.only.default && against === options.against.default, 'groups');
}

async function connected(bootstrap: string): Promise<RawClient> {
  const [host, port] = bootstrap.split(':') as [string, string];
  return RawClient.connect(nodeNetwork, { host, port: Number(port) });
}

async function makeTopic(bootstrap: string): Promise<void> {
  const client = await connected(bootstrap);
  const topics = [{ name: TOPIC, numPartitions: 10, replicationFactor: 1 }];
  await client.ask(CreateTopics, 5, { topics, timeoutMs: 10_000 });
  const isThere = async () => {
    const answer = await client.ask(Metadata, 9, { topics: [{ name: TOPIC }], allowAutoTopicCreation: false });
    return answer.topics[0]?.partitions.length === 10;
  };
  while (!(await isThere())) await sleep(100);
  // Kafka creates __consumer_offsets at the first request, and refuses clients before it exists.
  const found = async () => (await client.ask(FindCoordinator, 2, { key: TOPIC, keyType: 0 })).errorCode;
  while ((await found()) !== ErrorCode.NONE) await sleep(100);
  client.close();
}

/** Fifty groups, each of which commits ten partitions when its last commit is acknowledged. */
async function commits(who: string, bootstrap: string): Promise<void> {
  const clients = await Promise.all(Array.from({ length: 50 }, () => connected(bootstrap)));
  const run = async (forS: number): Promise<number> => {
    const end = performance.now() + forS * 1_000;
    let answered = 0;
    const one = async (client: RawClient, group: number): Promise<void> => {
      for (let round = 0; performance.now() < end; round++) {
        const taken = await committed(client, `commits-${group}`, round);
        answered += taken;
      }
    };
    await Promise.all(clients.map(one));
    return answered;
  };
  await run(2); // warm, and after the creation of __consumer_offsets
  const began = performance.now();
  const answered = await run(seconds);
  const perSecond = answered / ((performance.now() - began) / 1_000);
  const how = '50 groups at once, ten partitions a request, each after the last';
  add(`committed offsets, ${nameOf(who)}`, perSecond, '/s', how);
  for (const client of clients) client.close();
}

/** How many of the ten were committed. */
async function committed(client: RawClient, groupId: string, offset: number): Promise<number> {
  const partitions = Array.from({ length: 10 }, (_, partitionIndex) => ({
    partitionIndex,
    committedOffset: Offset(offset),
    committedMetadata: '',
  }));
  const request = { groupId, generationIdOrMemberEpoch: -1, memberId: '', topics: [{ name: TOPIC, partitions }] };
  const { topics } = await client.ask(OffsetCommit, 8, request);
  return topics[0]?.partitions.filter(({ errorCode }) => errorCode === ErrorCode.NONE).length ?? 0;
}

class Member {
  readonly client: RawClient;
  readonly groupId: string;
  memberId = '';
  generation = -1;

  constructor(client: RawClient, groupId: string) {
    this.client = client;
    this.groupId = groupId;
  }

  /** Joins and gets its assignment, a few bytes for each member. `round` makes it a rebalance. */
  async join(round: number): Promise<void> {
    const metadata = ConsumerProtocolSubscription.write(1, { topics: [TOPIC], userData: Buffer.of(round) });
    const { groupId } = this;
    for (;;) {
      const joined = await this.client.ask(JoinGroup, 5, {
        groupId,
        sessionTimeoutMs: 60_000,
        rebalanceTimeoutMs: 60_000,
        memberId: this.memberId,
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata }],
      });
      this.memberId = joined.memberId;
      this.generation = joined.generationId;
      if (joined.errorCode !== ErrorCode.NONE) {
        if (joined.errorCode !== ErrorCode.MEMBER_ID_REQUIRED) await sleep(50);
        continue;
      }
      const assignments = joined.members.map(({ memberId }) => ({ memberId, assignment: Buffer.from('assigned') }));
      const { generation: generationId, memberId } = this;
      const synced = await this.client.ask(SyncGroup, 3, { groupId, generationId, memberId, assignments });
      if (synced.errorCode === ErrorCode.NONE) return;
    }
  }

  async heartbeat(): Promise<void> {
    const { groupId, generation: generationId, memberId } = this;
    const { errorCode } = await this.client.ask(Heartbeat, 3, { groupId, generationId, memberId });
    if (errorCode !== ErrorCode.NONE) await this.join(0);
  }
}

/** All members of a group join; early ones learn of the others by their heartbeats. */
async function gather(members: readonly Living[]): Promise<void> {
  let missing = members.length;
  const come = async (member: Living): Promise<void> => {
    await member.join(0);
    missing--;
    while (missing > 0) {
      await sleep(100);
      await member.heartbeat();
    }
  };
  await Promise.all(members.map(come));
}

/** All of its members rejoin with changed metadata: until the last one has its assignment. The best of five. */
async function rebalances(who: string, bootstrap: string, count: number): Promise<void> {
  const clients = await Promise.all(Array.from({ length: count }, () => connected(bootstrap)));
  const members = clients.map((client) => new Member(client, `rebalance-${count}`));
  await gather(members);
  const times: number[] = [];
  for (let round = 1; round <= 5; round++) {
    const began = performance.now();
    await Promise.all(members.map((member) => member.join(round)));
    times.push(performance.now() - began);
  }
  const how = 'all join again at once, to the last assignment; the best of five';
  add(`rebalance of ${count}, ${nameOf(who)}`, Math.min(...times), 'ms', how);
  for (const client of clients) client.close();
}

/**
 * 500 groups of ten: the time until all have an assignment, and their cost at rest: a heartbeat every 3 s, a commit
 * every 5 s.
 */
async function many(protocol: 'classic' | 'consumer'): Promise<void> {
  const program = await ProgramUnderTest.start('broker', { KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0' });
  const bootstrap = `127.0.0.1:${program.ports.kafka}`;
  await makeTopic(bootstrap);
  const before = await program.cost();
  const living: Living[] = [];
  for (let group = 0; group < GROUPS; group++)
    for (let member = 0; member < MEMBERS; member++) {
      const client = await connected(bootstrap);
      const groupId = `many-${group}`;
      living.push(protocol === 'classic' ? new Member(client, groupId) : new Modern(client, groupId));
    }
  const began = performance.now();
  await Promise.all(
    Array.from({ length: GROUPS }, (_, group) => gather(living.slice(group * MEMBERS, (group + 1) * MEMBERS))),
  );
  const what = `${GROUPS} groups of ${MEMBERS}, ${protocol} protocol`;
  add(`${what}: until all are assigned`, (performance.now() - began) / 1_000, 's', '5,000 members join at once');

  await atRest(living, 10);
  const [start, from] = [await program.cost(), performance.now()];
  await atRest(living, Math.max(10, seconds));
  const end = await program.cost();
  const cpu = ((end.cpuSeconds - start.cpuSeconds) / ((performance.now() - from) / 1_000)) * 100;
  add(
    `${what}: memory`,
    (end.memoryBytes - before.memoryBytes) / 1e6,
    'MB',
    'more than before; 5,000 connections included',
  );
  add(`${what}: CPU`, cpu, '% of a core', 'a heartbeat each every 3 s, a commit of one partition every 5 s');
  for (const { client } of living) client.close();
  await program.stop();
}

interface Living {
  readonly client: RawClient;
  readonly groupId: string;
  join(round: number): Promise<void>;
  heartbeat(): Promise<void>;
}

async function atRest(living: readonly Living[], forS: number): Promise<void> {
  const STEP_MS = 50;
  const waiting = new Set<Promise<unknown>>();
  const began = performance.now();
  for (let step = 0; step * STEP_MS < forS * 1_000; step++) {
    living.forEach((each, place) => {
      const due = (everyMs: number) => place % (everyMs / STEP_MS) === step % (everyMs / STEP_MS);
      if (!due(3_000) && !due(5_000)) return;
      const asked = due(3_000) ? each.heartbeat() : committed(each.client, `offsets-of-${each.groupId}`, step);
      waiting.add(asked);
      void asked.finally(() => waiting.delete(asked));
    });
    await sleep(Math.max(0, began + (step + 1) * STEP_MS - performance.now()));
  }
  await Promise.all(waiting);
}

/** A member with the consumer protocol: the broker assigns. */
class Modern implements Living {
  readonly client: RawClient;
  readonly groupId: string;
  readonly #memberId = crypto.randomUUID();
  #epoch = 0;
  #owned: { topicId: never; partitions: readonly number[] }[] = [];

  constructor(client: RawClient, groupId: string) {
    this.client = client;
    this.groupId = groupId;
  }

  async join(): Promise<void> {
    this.#epoch = 0;
    this.#owned = [];
    for (;;) {
      await this.heartbeat();
      if (this.#owned.length > 0) return;
      await sleep(200);
    }
  }

  async heartbeat(): Promise<void> {
    const all = { rebalanceTimeoutMs: 60_000, subscribedTopicNames: [TOPIC] };
    const { errorCode, memberEpoch, assignment } = await this.client.ask(ConsumerGroupHeartbeat, 1, {
      groupId: this.groupId,
      memberId: this.#memberId,
      memberEpoch: this.#epoch,
      ...(this.#epoch === 0 && all),
      topicPartitions: this.#owned,
    });
    if (errorCode !== ErrorCode.NONE) {
      this.#epoch = 0;
      this.#owned = [];
      return;
    }
    this.#epoch = memberEpoch;
    if (assignment) this.#owned = assignment.topicPartitions as never;
  }
}

function nameOf(who: string): string {
  return who === 'ours' ? 'PostgreSQL' : 'Apache Kafka';
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

await run();

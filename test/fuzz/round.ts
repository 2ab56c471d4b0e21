// One seed: a broker on a simulated machine, a thousand mutated requests, and what must hold nevertheless.
//
//   every request       ends in a response or in a closed connection, within virtual time
//   no request          causes a logged error, an unhandled rejection, or an uncaught exception
//   in the end          no connection and no timer is left; the broker stops and restarts, and the reference topic
//                       and group have the same content and configs as before
import { Offset, Timestamp, ZERO_UUID } from '@milepost/core';
import { buildBatch } from '@milepost/records';
import {
  ApiVersions,
  CreateTopics,
  DescribeConfigs,
  Fetch,
  OffsetCommit,
  OffsetFetch,
  Produce,
  requestFrame,
} from '@milepost/wire';
import { handlers } from '../../libs/broker/src/handlers/index.ts';
import { BrokerUnderTest } from '../../libs/broker/src/testing/broker-under-test.ts';
import type { RawClient } from '../../libs/broker/src/testing/raw-client.ts';
import { Conversation, describe, Misbehaviour } from './conversation.ts';
import { mutated } from './mutation.ts';
import { makeRequest } from './request.ts';
import { CHANGING, REFERENCE, Values } from './values.ts';
import { World } from './world.ts';

export interface Tally {
  wellFormed: number;
  mutated: number;
  answered: number;
  /** Connections that the broker closed. */
  closed: number;
  /** APIs and versions of the well-formed ones. */
  readonly kinds: Set<string>;
}

/** Longer than any wait of a well-formed request. */
const PATIENCE_MS = 600_000;
/** The maximum of requests that the client pipelines. */
const MOST_PIPELINED = 60;
/** APIs whose response may take as long as the request, or another member of the group, specifies. */
const MAY_WAIT = /^(Fetch|ShareFetch|JoinGroup|SyncGroup)$/;

/** Sent after every burst: its response marks the end of requests without one (Produce with acks=0). */
const PING = { clientSoftwareName: 'fuzz', clientSoftwareVersion: '1' };

const apis = handlers.map(({ api }) => api);
const CHANGING_KEYS = new Set(apis.filter(({ name }) => CHANGING.test(name)).map(({ key }) => key));

export async function runRound(seed: number, mutatedRequests: number, tally: Tally): Promise<void> {
  const world = new World(seed);
  const { clock, random } = world;
  const broker = new BrokerUnderTest(world.host, '/data');
  await clock.settle(broker.start());
  const before = await prepare(broker, world);
  const id = broker.broker.image().topics.get(REFERENCE.topic)?.id ?? ZERO_UUID;
  const reference = [Buffer.from(REFERENCE.topic), Buffer.from(id.replaceAll('-', ''), 'hex')];
  const values = new Values(random.fork(), () => clock.now());
  const open: Conversation[] = [];
  let correlationId = 1;

  for (let left = mutatedRequests; left > 0; ) {
    if (open.length === 0 || (open.length < 5 && random.chance(0.2)))
      open.push(
        await clock.settle(Conversation.open(world.network, broker.broker.address, (answer) => values.learn(answer))),
      );
    const place = random.below(open.length);
    const conversation = open[place] as Conversation;
    const count = random.chance(0.95) ? 1 : 1 + random.below(MOST_PIPELINED);
    for (let n = 0; n < count; n++) {
      const request = makeRequest(apis, correlationId++, { random, values });
      const isWellFormed = random.chance(count === 1 ? 0.15 : 0.9);
      const bytes = isWellFormed ? request.bytes : mutated(request.bytes, random);
      if (mayChange(bytes, reference)) continue;
      conversation.say(bytes, isWellFormed);
      if (isWellFormed) tally.kinds.add(`${request.api.name} v${request.version}`);
    }
    conversation.say(
      requestFrame(ApiVersions, { apiVersion: 3, correlationId: correlationId++, clientId: null }, PING),
      true,
    );
    const fate = random.below(60);
    if (fate === 0) conversation.leave('abort');
    else if (fate === 1) conversation.leave();
    else if (fate === 2) conversation.stopListening();
    else await settle(conversation, world);
    refuse(world, conversation);
    left -= conversation.judged.mutated;
    add(tally, conversation);
    if (fate <= 2 || conversation.isClosed || conversation.firstOwed !== undefined || random.chance(0.02)) {
      conversation.leave(random.chance(0.5) ? 'abort' : undefined);
      open.splice(place, 1);
    }
  }

  for (const conversation of open) conversation.leave();
  await untilNone(() => world.connections.live, 'connections', world);
  await holds(broker, world, before, 'after the fire');
  await clock.settle(broker.stop(), PATIENCE_MS);
  await untilNone(() => world.connections.live, 'connections after the stop', world);
  await untilNone(() => world.timers.live, 'timers after the stop', world);
  await clock.settle(broker.start(), PATIENCE_MS);
  await holds(broker, world, before, 'after a restart');
  await clock.settle(broker.stop(), PATIENCE_MS);
  refuse(world);
}

/** A flipped bit can turn a request that reads into one that deletes: the reference must not be in it. */
function mayChange(frame: Buffer, reference: readonly Buffer[]): boolean {
  const isChange = frame.length >= 6 && CHANGING_KEYS.has(frame.readInt16BE(4));
  return isChange && reference.some((mark) => frame.includes(mark));
}

/** Waits for the due responses. Beyond that only a request with a longer wait, or a frame without an end, may hang. */
async function settle(conversation: Conversation, world: World): Promise<void> {
  await world.clock.until(() => conversation.isSettled, PATIENCE_MS).catch(() => {});
  const owed = conversation.firstOwed;
  if (conversation.isSettled || conversation.mayStaySilent || owed === undefined || MAY_WAIT.test(owed.api?.name ?? ''))
    return;
  throw new Misbehaviour(`no answer within ${PATIENCE_MS} ms: ${describe(owed)}`);
}

async function untilNone(live: () => number, what: string, { clock }: World): Promise<void> {
  await clock.until(() => live() === 0, PATIENCE_MS).catch(() => {});
  if (live() > 0) throw new Misbehaviour(`${live()} ${what} are left`);
}

function refuse(world: World, conversation?: Conversation): void {
  const [error] = world.errors;
  if (error !== undefined) throw new Misbehaviour(`an error was logged: ${error}`);
  if (conversation?.misbehaviour)
    throw new Misbehaviour(`${conversation.misbehaviour.message}; the broker said last: ${world.lastWarning}`);
}

/** Moves the conversation's figures into the tally. */
function add(tally: Tally, { judged, isClosed }: Conversation): void {
  for (const kind of ['wellFormed', 'mutated', 'answered'] as const) {
    tally[kind] += judged[kind];
    judged[kind] = 0;
  }
  if (isClosed) tally.closed++;
}

interface Held {
  readonly records: readonly Buffer[];
  readonly configs: unknown;
  readonly committed: unknown;
}

const REFERENCE_PARTITIONS = 2;
const REFERENCE_CONFIGS = [
  { name: 'retention.ms', value: '-1' },
  { name: 'retention.bytes', value: '-1' },
  { name: 'cleanup.policy', value: 'delete' },
  { name: 'segment.bytes', value: '1048576' },
];

/** Target topics, and the reference with acknowledged records and a committed offset. */
async function prepare(broker: BrokerUnderTest, world: World): Promise<Held> {
  const { clock } = world;
  const client = await clock.settle(broker.client());
  const topic = (name: string, numPartitions: number, configs: { name: string; value: string }[] = []) => ({
    name,
    numPartitions,
    replicationFactor: 1,
    assignments: [],
    configs,
  });
  await clock.settle(
    client.ask(CreateTopics, 7, {
      topics: [
        topic(REFERENCE.topic, REFERENCE_PARTITIONS, REFERENCE_CONFIGS),
        topic('fuzz-a', 3),
        topic('fuzz-compact', 1, [{ name: 'cleanup.policy', value: 'compact' }]),
      ],
      timeoutMs: 30_000,
    }),
  );
  for (let n = 0; n < 20; n++) {
    const partitionData = Array.from({ length: REFERENCE_PARTITIONS }, (_, index) => ({
      index,
      records: recordOf(`${index}-${n}`, clock.now()),
    }));
    await clock.settle(
      client.ask(Produce, 9, {
        transactionalId: null,
        acks: -1,
        timeoutMs: 30_000,
        topicData: [{ name: REFERENCE.topic, partitionData }],
      }),
    );
  }
  const partitions = [{ partitionIndex: 0, committedOffset: Offset(7), committedMetadata: 'kept' }];
  await clock.settle(
    client.ask(OffsetCommit, 8, {
      groupId: REFERENCE.group,
      memberId: '',
      generationIdOrMemberEpoch: -1,
      topics: [{ name: REFERENCE.topic, partitions }],
    }),
  );
  const held = await look(client, world);
  client.close();
  return held;
}

async function holds(broker: BrokerUnderTest, world: World, before: Held, when: string): Promise<void> {
  const client = await world.clock.settle(broker.client());
  const now = await look(client, world);
  client.close();
  before.records.forEach((records, index) => {
    const found = now.records[index] as Buffer; // requests may have added to it
    if (!found.subarray(0, records.length).equals(records))
      throw new Misbehaviour(`${when} ${REFERENCE.topic}-${index} is not as it was acknowledged`);
  });
  for (const what of ['configs', 'committed'] as const)
    if (JSON.stringify(before[what]) !== JSON.stringify(now[what]))
      throw new Misbehaviour(`${when} the reference's ${what}: ${JSON.stringify(now[what])}`);
}

async function look(client: RawClient, { clock }: World): Promise<Held> {
  const partitions = Array.from({ length: REFERENCE_PARTITIONS }, (_, partition) => ({
    partition,
    fetchOffset: Offset(0),
    partitionMaxBytes: 2 ** 30,
  }));
  const fetched = await clock.settle(
    client.ask(Fetch, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 2 ** 30,
      topics: [{ topic: REFERENCE.topic, partitions }],
    }),
  );
  const resources = [{ resourceType: 2, resourceName: REFERENCE.topic, configurationKeys: null }];
  const described = await clock.settle(client.ask(DescribeConfigs, 4, { resources }));
  const offsets = await clock.settle(
    client.ask(OffsetFetch, 7, { groupId: REFERENCE.group, topics: null, requireStable: false }),
  );
  const own = new Set(REFERENCE_CONFIGS.map(({ name }) => name));
  return {
    records: fetched.responses[0]?.partitions.map(({ records }) => Buffer.from(records ?? [])) ?? [],
    configs: described.results[0]?.configs.filter(({ name }) => own.has(name)).map(({ name, value }) => [name, value]),
    committed: offsets.topics,
  };
}

const recordOf = (value: string, now: number): Buffer =>
  buildBatch({
    records: [{ key: Buffer.from(value), value: Buffer.from(value), timestamp: Timestamp(now) }],
  });

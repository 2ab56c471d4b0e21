// The authorizer, on the wire: what a user without rights learns, which rights each request needs, and how they change.
import { pbkdf2Sync } from 'node:crypto';
import { BrokerId, ErrorCode, Offset, silentLogger, type Uuid } from '@milepost/core';
import { MemoryMetadataDatabase, MemoryMetadataStore } from '@milepost/metadata';
import {
  AclOperation,
  CLUSTER_NAME,
  PatternType,
  PermissionType,
  ResourceType,
  userPrincipal,
} from '@milepost/security';
import { SimHost } from '@milepost/simulator';
import {
  AddPartitionsToTxn,
  AlterShareGroupOffsets,
  AlterUserScramCredentials,
  type AnyApi,
  ConsumerGroupHeartbeat,
  CreateAcls,
  CreateDelegationToken,
  CreateTopics,
  DeleteAcls,
  DescribeAcls,
  type DescribeAclsRequest,
  DescribeGroups,
  InitProducerId,
  Metadata,
  SaslAuthenticate,
  SaslHandshake,
  ShareAcknowledge,
  ShareFetch,
  ShareGroupHeartbeat,
} from '@milepost/wire';
import { handlers } from './handlers/index.ts';
import { Authorization } from './security/authorization.ts';
import { DESCRIBE_TOPIC, type Need, READ_TOPIC } from './security/needs.ts';
import { needText } from './security/permissions.ts';
import type { Sample, World } from './testing/authorization-sample.ts';
import { samples } from './testing/authorization-samples.ts';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import type { RawClient } from './testing/raw-client.ts';

const AUTHORIZER = 'org.apache.kafka.metadata.authorizer.StandardAuthorizer';
const ADMIN = { username: 'admin', password: 'correct horse' };
const { ALLOW, DENY } = PermissionType;
const { LITERAL, PREFIXED } = PatternType;

let host: SimHost;
let it: BrokerUnderTest;
let admin: RawClient;
/** Has no rights but those that a test grants. */
let alice: RawClient;

const settle = <Result>(work: Promise<Result>): Promise<Result> => host.clock.settle(work);

async function logIn(username: string, password: string): Promise<RawClient> {
  const client = await settle(it.client());
  await settle(client.ask(SaslHandshake, 1, { mechanism: 'PLAIN' }));
  const authBytes = Buffer.from(`\0${username}\0${password}`);
  expect((await settle(client.ask(SaslAuthenticate, 2, { authBytes }))).errorCode).toBe(0);
  return client;
}

async function startWith(properties: Record<string, string> = {}): Promise<void> {
  host = new SimHost();
  it = new BrokerUnderTest(host, '/data', {
    listeners: 'SASL_PLAINTEXT://:9092',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
    'authorizer.class.name': AUTHORIZER,
    'delegation.token.secret.key': 'secret',
    ...properties,
  });
  await settle(it.start({ admin: ADMIN }));
  admin = await logIn(ADMIN.username, ADMIN.password);
  const saltedPassword = pbkdf2Sync('diesel', 'salt', 4_096, 32, 'sha256');
  const alices = { name: 'alice', mechanism: 1, iterations: 4_096, salt: Buffer.from('salt'), saltedPassword };
  await settle(admin.ask(AlterUserScramCredentials, 0, { deletions: [], upsertions: [alices] }));
  alice = await logIn('alice', 'diesel');
}

const create = (name: string) =>
  settle(admin.ask(CreateTopics, 7, { topics: [{ name, numPartitions: 1, replicationFactor: 1 }] }));

interface Entry {
  readonly type: number;
  readonly name: string;
  readonly operation: number;
  readonly permission?: number;
  readonly pattern?: number;
  readonly principal?: string;
}

const creationOf = ({
  type,
  name,
  operation,
  permission = ALLOW,
  pattern = LITERAL,
  principal = 'User:alice',
}: Entry) => ({
  resourceType: type,
  resourceName: name,
  resourcePatternType: pattern,
  principal,
  host: '*',
  operation,
  permissionType: permission,
});

const createAcls = async (...entries: Entry[]) =>
  (await settle(admin.ask(CreateAcls, 3, { creations: entries.map(creationOf) }))).results;

const EVERYTHING: DescribeAclsRequest = {
  resourceTypeFilter: ResourceType.ANY,
  resourceNameFilter: null,
  patternTypeFilter: PatternType.ANY,
  principalFilter: null,
  hostFilter: null,
  operation: AclOperation.ANY,
  permissionType: PermissionType.ANY,
};
const deleteAllAcls = () => settle(admin.ask(DeleteAcls, 3, { filters: [EVERYTHING] }));

const onEvery = ({ on, operation }: Need, permission: number = ALLOW): Entry => ({
  type: on,
  name: on === ResourceType.CLUSTER ? CLUSTER_NAME : '*',
  operation,
  permission,
});

describe('the needs of requests', () => {
  const withNeeds = handlers.filter(({ needs }) => needs.length > 0);

  test('every API declares them, but for those that any client may use', () => {
    const free = handlers.filter(({ needs }) => needs.length === 0).map(({ api }) => api.name);
    expect(free.sort()).toEqual([
      'ApiVersions',
      'ExpireDelegationToken',
      'GetTelemetrySubscriptions',
      'PushTelemetry',
      'RenewDelegationToken',
      'SaslAuthenticate',
      'SaslHandshake',
    ]);
  });

  test.each(withNeeds.map(({ api, needs }) => [api.name, needs] as const))(
    '%s: each declared need is that of a request in the table, and no other',
    (name, needs) => {
      const shown = samples.filter(({ api }) => api.name === name).flatMap((one) => [...one.needs, ...one.oneOf]);
      expect([...new Set(shown.map(needText))].sort()).toEqual(needs.map(needText).sort());
    },
  );
});

describe('a user', () => {
  let world: World;
  let topics = 0;

  beforeAll(async () => {
    await startWith();
    await renew();
  });
  afterAll(() => settle(it.stop()));

  /** A topic with a group that reads it and an open transaction. */
  async function renew(): Promise<void> {
    const number = ++topics;
    const [topic, consumerGroup, openTransaction] = [`t-${number}`, `group-${number}`, `transaction-${number}`];
    const { topics: created } = await create(topic);
    const joined = await settle(
      admin.ask(ConsumerGroupHeartbeat, 1, {
        groupId: consumerGroup,
        memberId: 'admin',
        memberEpoch: 0,
        instanceId: null,
        rackId: null,
        rebalanceTimeoutMs: 1_000_000,
        subscribedTopicNames: [topic],
        serverAssignor: null,
        topicPartitions: [],
      }),
    );
    expect(joined.assignment?.topicPartitions).toHaveLength(1);
    const init = { transactionalId: openTransaction, transactionTimeoutMs: 900_000 };
    const { producerId, producerEpoch } = await settle(admin.ask(InitProducerId, 4, init));
    const added = await settle(
      admin.ask(AddPartitionsToTxn, 3, {
        v3AndBelowTransactionalId: openTransaction,
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: producerEpoch,
        v3AndBelowTopics: [{ name: topic, partitions: [0] }],
      }),
    );
    expect(added.resultsByTopicV3AndBelow[0]?.resultsByPartition[0]?.partitionErrorCode).toBe(0);
    const shareGroup = `share-${number}`;
    const share = { groupId: shareGroup, memberId: 'owner', memberEpoch: 0, subscribedTopicNames: [topic] };
    expect((await settle(admin.ask(ShareGroupHeartbeat, 1, share))).errorCode).toBe(0);
    const offsets = [{ topicName: topic, partitions: [{ partitionIndex: 0, startOffset: Offset(0) }] }];
    await settle(admin.ask(AlterShareGroupOffsets, 0, { groupId: 'deserted share', topics: offsets }));
    const token = await settle(admin.ask(CreateDelegationToken, 3, { renewers: [], maxLifetimeMs: -1n }));
    expect(token.errorCode).toBe(0);
    const tokenOwner = token.principalName;
    world = { topic, topicId: created[0]?.topicId, consumerGroup, shareGroup, openTransaction, tokenOwner };
  }

  /** Each request that acknowledges is the first one of a session. */
  async function openShareSession(): Promise<void> {
    const partitions = [{ partitionIndex: 0, acknowledgementBatches: [] }];
    const opened = await settle(
      admin.ask(ShareFetch, 2, {
        groupId: world.shareGroup,
        memberId: 'owner',
        shareSessionEpoch: 0,
        maxWaitMs: 0,
        minBytes: 0,
        maxRecords: 1,
        batchSize: 1,
        topics: [{ topicId: world.topicId as Uuid, partitions }],
        forgottenTopicsData: [],
      }),
    );
    expect(opened.errorCode).toBe(0);
  }

  async function ask(one: Sample, of: World = world): Promise<object> {
    if (one.api === ShareAcknowledge) await openShareSession();
    return settle(alice.ask(one.api as AnyApi, one.version, one.body(of) as never)) as Promise<object>;
  }

  async function grantedOnly(granted: readonly Need[], denied: readonly Need[] = []): Promise<void> {
    await deleteAllAcls();
    const entries = [...granted.map((need) => onEvery(need)), ...denied.map((need) => onEvery(need, DENY))];
    if (entries.length > 0) await createAcls(...entries);
  }

  const rows = samples.map((one) => [one.title, one] as const);

  test.each(rows)('without rights is refused: %s', async (_title, one) => {
    await grantedOnly([]);
    expect(one.isAllowed(await ask(one), world)).toBe(false);
  });

  test.each(rows)('with the rights that it needs is served: %s', async (_title, one) => {
    for (const either of one.oneOf.length > 0 ? one.oneOf : [undefined]) {
      await grantedOnly([...one.needs, ...(either ? [either] : [])]);
      expect(one.isAllowed(await ask(one), world)).toBe(true);
      if (one.consumesTopic) await renew();
    }
  });

  test.each(rows.filter(([, { needs }]) => needs.length > 0))(
    'without any single one of them is refused: %s',
    async (_title, one) => {
      for (const missing of one.needs) {
        await grantedOnly([...one.needs, ...one.oneOf], [missing]);
        expect([needText(missing), one.isAllowed(await ask(one), world)]).toEqual([needText(missing), false]);
      }
    },
  );

  test.each(rows.filter(([, { oneOf }]) => oneOf.length > 0))(
    'without all of the alternatives is refused: %s',
    async (_title, one) => {
      await grantedOnly(one.needs);
      expect(one.isAllowed(await ask(one), world)).toBe(false);
    },
  );

  test.each(rows.filter(([, { namesTopic }]) => namesTopic))(
    'without rights does not learn whether a topic exists: %s',
    async (_title, one) => {
      await grantedOnly([]);
      const missing = { ...world, topic: 't-x', topicId: undefined };
      const textOf = (response: object, topic: string): string =>
        JSON.stringify(response, (_key, value: unknown) =>
          typeof value === 'bigint' ? String(value) : value,
        ).replaceAll(topic, '<topic>');
      const ofExisting = textOf(await ask(one), world.topic);
      expect(textOf(await ask(one, missing), missing.topic)).toBe(ofExisting);
    },
  );
});

describe('access control lists', () => {
  beforeEach(() => startWith({ 'super.users': 'User:bob;User:carol' }));
  afterEach(() => settle(it.stop()));

  const read = { type: ResourceType.TOPIC, name: 'trucks', operation: AclOperation.READ };
  const describeAll = async (client = admin, filter = EVERYTHING) => settle(client.ask(DescribeAcls, 3, filter));
  const visibleTo = async (client: RawClient) =>
    (await settle(client.ask(Metadata, 12, { topics: null }))).topics.map(({ name }) => name);

  test('apply to the next request of an open connection, until they are deleted', async () => {
    await create('trucks');
    expect(await visibleTo(alice)).toEqual([]);
    await createAcls(read);
    expect(await visibleTo(alice)).toEqual(['trucks']);
    await createAcls({ ...read, operation: AclOperation.DESCRIBE, permission: DENY });
    expect(await visibleTo(alice)).toEqual([]);
    await deleteAllAcls();
    expect(await visibleTo(alice)).toEqual([]);
    expect(await visibleTo(admin)).toEqual(['trucks']);
  });

  test('survive a restart, and an entry that exists is not stored twice', async () => {
    await create('trucks');
    const results = await createAcls(read, read, { ...read, pattern: PREFIXED });
    expect(results.map(({ errorCode }) => errorCode)).toEqual([0, 0, 0]);
    await createAcls(read);
    await settle(it.stop());
    await settle(it.start({ admin: ADMIN }));
    admin = await logIn(ADMIN.username, ADMIN.password);
    alice = await logIn('alice', 'diesel');
    expect(await visibleTo(alice)).toEqual(['trucks']);
    const { resources } = await describeAll();
    expect(resources.map(({ patternType, acls }) => [patternType, acls.length])).toEqual([
      [LITERAL, 1],
      [PREFIXED, 1],
    ]);
  });

  test('are found and deleted by a filter, which returns them', async () => {
    await createAcls(read, { ...read, name: 'tr', pattern: PREFIXED }, { ...read, name: 'other' });
    const matching = { ...EVERYTHING, resourceNameFilter: 'trucks', patternTypeFilter: PatternType.MATCH };
    const { resources } = await describeAll(admin, matching);
    expect(resources.map(({ resourceName }) => resourceName).sort()).toEqual(['tr', 'trucks']);
    const { filterResults } = await settle(
      admin.ask(DeleteAcls, 3, { filters: [matching, { ...EVERYTHING, principalFilter: 'User:nobody' }] }),
    );
    expect(filterResults.map(({ errorCode, matchingAcls }) => [errorCode, matchingAcls.length])).toEqual([
      [0, 2],
      [0, 0],
    ]);
    expect((await describeAll()).resources.map(({ resourceName }) => resourceName)).toEqual(['other']);
  });

  test('that are wrong are refused, and the others are created', async () => {
    const results = await createAcls(
      { ...read, name: '' },
      { ...read, type: ResourceType.CLUSTER, name: 'mine' },
      { ...read, type: ResourceType.ANY },
      { ...read, operation: AclOperation.ANY },
      { ...read, pattern: PatternType.MATCH },
      { ...read, permission: PermissionType.ANY },
      { ...read, principal: 'alice' },
      read,
    );
    const { INVALID_REQUEST, NONE } = ErrorCode;
    expect(results.map(({ errorCode }) => errorCode)).toEqual([...Array(7).fill(INVALID_REQUEST), NONE]);
    expect((await describeAll()).resources).toHaveLength(1);
    const unknown = { ...EVERYTHING, operation: 99 };
    expect((await describeAll(admin, unknown)).errorCode).toBe(INVALID_REQUEST);
    const { filterResults } = await settle(admin.ask(DeleteAcls, 3, { filters: [unknown] }));
    expect(filterResults).toMatchObject([{ errorCode: INVALID_REQUEST, matchingAcls: [] }]);
  });

  test('are shown as the operations that a client may perform', async () => {
    await create('trucks');
    await createAcls(read, { type: ResourceType.GROUP, name: 'g', operation: AclOperation.DESCRIBE });
    const bits = (...operations: number[]) => operations.reduce((mask, operation) => mask | (1 << operation), 0);
    const asked = { topics: [{ name: 'trucks' }], includeTopicAuthorizedOperations: true };
    const { topics } = await settle(alice.ask(Metadata, 9, asked));
    expect(topics[0]?.topicAuthorizedOperations).toBe(bits(AclOperation.READ, AclOperation.DESCRIBE));
    const { groups } = await settle(alice.ask(DescribeGroups, 5, { groups: ['g'], includeAuthorizedOperations: true }));
    expect(groups[0]?.authorizedOperations).toBe(bits(AclOperation.DESCRIBE));
  });
});

test('a refusal is logged with the client, the operation and the resource; what is only left out is not', () => {
  const logged: unknown[] = [];
  const logger = { ...silentLogger, info: (...line: unknown[]) => void logged.push(line) };
  const options = { superUsers: new Set<string>(), allowIfNoAcl: false };
  const authorization = new Authorization({ logger, options, image: () => ({ acls: new Map() }) });
  const peer = { host: '/192.0.2.1', session: { principal: userPrincipal('alice') } };
  const permissions = authorization.permissionsOf(peer, [DESCRIBE_TOPIC]);
  expect(permissions.allows(DESCRIBE_TOPIC, 'trucks')).toBe(false);
  expect(permissions.refusal(DESCRIBE_TOPIC, 'trucks')?.error).toBe(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
  expect(logged).toEqual([[{ client: '192.0.2.1', principal: 'User:alice' }, 'denied: DESCRIBE on TOPIC trucks']]);
});

test('a check that the handler does not declare is a bug, with or without an authorizer', () => {
  for (const options of [undefined, { superUsers: new Set<string>(), allowIfNoAcl: true }]) {
    const authorization = new Authorization({ logger: silentLogger, options, image: () => ({ acls: new Map() }) });
    const peer = { host: '/192.0.2.1', session: { principal: userPrincipal('alice') } };
    const permissions = authorization.permissionsOf(peer, [DESCRIBE_TOPIC]);
    expect(() => permissions.allows(READ_TOPIC, 'trucks')).toThrow('the handler does not declare READ on TOPIC');
    expect(() => permissions.allowsOnAny(READ_TOPIC)).toThrow('the handler does not declare READ on TOPIC');
  }
});

test('allow.everyone.if.no.acl.found lets everybody use what no list names', async () => {
  await startWith({ 'allow.everyone.if.no.acl.found': 'true' });
  await create('trucks');
  await create('secret');
  await createAcls({ type: ResourceType.TOPIC, name: 'secret', operation: AclOperation.READ, principal: 'User:bob' });
  const { topics } = await settle(alice.ask(Metadata, 12, { topics: null }));
  expect(topics.map(({ name }) => name)).toEqual(['trucks']);
  await settle(it.stop());
});

describe('settings that do not fit are an error at the start, in one line', () => {
  const starting = (properties: Record<string, string>, database?: MemoryMetadataDatabase) => {
    host = new SimHost();
    return settle(
      new BrokerUnderTest(host, '/data', { 'authorizer.class.name': AUTHORIZER, ...properties }, database).start(),
    );
  };

  test('super.users that are no users', async () => {
    await expect(starting({ 'super.users': 'User:bob;carol' })).rejects.toThrow(
      'super.users: expected User:name;User:name, seen "carol"',
    );
  });

  test('an authorizer in a cluster whose brokers it would refuse', async () => {
    const database = new MemoryMetadataDatabase();
    const broker = { id: BrokerId(2), host: 'two', port: 9092, rack: null, incarnation: null };
    await new MemoryMetadataStore(database).commit(() => [{ type: 'broker-registered', broker }]);
    await expect(starting({ 'super.users': 'User:bob' }, database)).rejects.toThrow(
      /^super\.users: expected User:ANONYMOUS among them, .* the cluster has also 2; seen User:bob: name a listener with SASL in inter\.broker\.listener\.name$/,
    );
  });
});

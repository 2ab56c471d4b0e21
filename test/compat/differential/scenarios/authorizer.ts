// The authorizer beside Kafka's StandardAuthorizer: every API with every operation allowed alone, and denied alone; the rules
// by which ACLs are matched; and the requests that change them.
//
// The requests are the samples of the handlers' declared needs: libs/broker/src/authorization.test.ts fails for a handler without
// samples, so that none is forgotten here.
import { errorName } from '@milepost/core';
import { AclOperation, CLUSTER_NAME, PatternType, PermissionType, ResourceType } from '@milepost/security';
import {
  AddPartitionsToTxn,
  type AnyApi,
  ConsumerGroupHeartbeat,
  CoordinatorType,
  CreateAcls,
  CreateDelegationToken,
  DeleteAcls,
  DescribeAcls,
  FindCoordinator,
  InitProducerId,
  Metadata,
} from '@milepost/wire';
import type { Sample, World } from '../../../../libs/broker/src/testing/authorization-sample.ts';
import { samples } from '../../../../libs/broker/src/testing/authorization-samples.ts';
import { type Scenario, type Stage, Unanswered } from '../stage.ts';
import { createTopic } from '../topics.ts';

const { ALLOW, DENY } = PermissionType;
const { LITERAL, PREFIXED, MATCH } = PatternType;
const { UNKNOWN: NO_TYPE, ANY: ANY_TYPE, ...TYPES } = ResourceType;
const { UNKNOWN: NO_OPERATION, ANY: ANY_OPERATION, ...OPERATIONS } = AclOperation;

interface Entry {
  readonly type: number;
  readonly name?: string;
  readonly operation: number;
  readonly permission?: number;
  readonly pattern?: number;
  readonly principal: string;
  readonly host?: string;
}

const creation = ({ type, name, operation, permission = ALLOW, pattern = LITERAL, principal, host = '*' }: Entry) => ({
  resourceType: type,
  resourceName: name ?? (type === ResourceType.CLUSTER ? CLUSTER_NAME : '*'),
  resourcePatternType: pattern,
  principal,
  host,
  operation,
  permissionType: permission,
});

interface Filter {
  readonly type?: number;
  readonly name?: string | null;
  readonly pattern?: number;
  readonly principal?: string | null;
  readonly host?: string | null;
  readonly operation?: number;
  readonly permission?: number;
}

const filter = (of: Filter) => ({
  resourceTypeFilter: of.type ?? ANY_TYPE,
  resourceNameFilter: of.name ?? null,
  patternTypeFilter: of.pattern ?? PatternType.ANY,
  principalFilter: of.principal ?? null,
  hostFilter: of.host ?? null,
  operation: of.operation ?? ANY_OPERATION,
  permissionType: of.permission ?? PermissionType.ANY,
});

/** Waits until the broker knows them: Kafka's controller responds earlier. */
async function createAcls(on: Stage, entries: readonly Entry[]): Promise<void> {
  const { results } = await on.get(CreateAcls, 3, { creations: entries.map(creation) });
  const refused = results.find(({ errorCode }) => errorCode !== 0);
  if (refused) throw new Error(`an ACL was not created: ${refused.errorMessage}`);
  const principals = new Set(entries.map(({ principal }) => principal));
  await on.until(async () => {
    const { resources } = await on.get(DescribeAcls, 3, filter({}));
    const known = resources.flatMap(({ acls }) => acls).filter(({ principal }) => principals.has(principal));
    return known.length >= entries.length;
  });
}

/** Those of share groups want sessions that are open: they are not compared yet. */
const compared = samples.filter(({ api }) => !api.name.includes('Share'));

/** A user of the matrix, and what it may do. */
interface Tester {
  readonly label: string;
  readonly name: string;
  readonly entries: readonly Entry[];
}

function testersOf(on: Stage): { none: Tester; all: Tester; allowed: Tester[]; denied: Tester[] } {
  const tester = (label: string, entries: readonly Omit<Entry, 'principal'>[]): Tester => {
    const name = on.own(label.toLowerCase().replaceAll(/[ _]/g, '-'));
    return { label, name, entries: entries.map((entry) => ({ ...entry, principal: `User:${name}` })) };
  };
  const everything = Object.values(TYPES).map((type) => ({ type, operation: OPERATIONS.ALL }));
  const each = Object.entries(TYPES).flatMap(([on, type]) =>
    Object.entries(OPERATIONS).map(([what, operation]) => ({ label: `${what} on ${on}`, type, operation })),
  );
  return {
    none: tester('none', []),
    all: tester('all', everything),
    allowed: each.map(({ label, ...entry }) => tester(label, [entry])),
    denied: each.map(({ label, ...entry }) => tester(`not ${label}`, [...everything, { ...entry, permission: DENY }])),
  };
}

/** A topic with a group that reads it and an open transaction; and a user with a token. */
async function worldOf(on: Stage): Promise<World> {
  const topic = await createTopic(on, 'topic');
  const consumerGroup = on.own('consumers');
  const openTransaction = on.own('open');
  const topicId = (await on.topicIds()).get(topic);
  const opening = { transactionalId: openTransaction, transactionTimeoutMs: 900_000 };
  // Kafka creates the topic of transactions when somebody looks for their coordinator.
  await on.get(FindCoordinator, 4, { keyType: CoordinatorType.TRANSACTION, coordinatorKeys: [openTransaction] });
  let opened = await on.get(InitProducerId, 4, opening);
  await on.until(async () => {
    if (opened.errorCode !== 0) opened = await on.get(InitProducerId, 4, opening);
    return opened.errorCode === 0;
  });
  await on.until(async () => {
    const { resultsByTopicV3AndBelow: results } = await on.get(AddPartitionsToTxn, 3, {
      v3AndBelowTransactionalId: openTransaction,
      v3AndBelowProducerId: opened.producerId,
      v3AndBelowProducerEpoch: opened.producerEpoch,
      v3AndBelowTopics: [{ name: topic, partitions: [0] }],
    });
    return results[0]?.resultsByPartition[0]?.partitionErrorCode === 0;
  });
  const tokenOwner = on.own('owner');
  await on.createUser(tokenOwner);
  await on.until(() => canLogIn(on, tokenOwner));
  const token = await on.get(CreateDelegationToken, 3, { renewers: [], maxLifetimeMs: -1n }, { via: tokenOwner });
  if (token.errorCode !== 0) throw new Error(`no token was created: ${token.errorCode}`);
  return { topic, topicId, consumerGroup, shareGroup: '', openTransaction, tokenOwner };
}

/** Kafka's listener learns of a user a little later than its controller says so. */
const canLogIn = (on: Stage, name: string): Promise<boolean> =>
  on.logIn(name).then(
    () => true,
    () => false,
  );

/** Keeps a member in the group; its session would end in the middle of the matrix. */
async function heartbeat(on: Stage, { topic, consumerGroup }: World): Promise<void> {
  await on.until(async () => {
    const { assignment } = await on.get(ConsumerGroupHeartbeat, 1, {
      groupId: consumerGroup,
      memberId: on.own('reader'),
      memberEpoch: 0,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: 1_000_000,
      subscribedTopicNames: [topic],
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: [],
    });
    return assignment?.topicPartitions.length === 1;
  });
}

/** Codes by their place in the response, operations of resources, and whether it shows what it is about. */
function outcomeOf(sample: Sample, response: object, world: World): string {
  const seen = new Set<string>();
  const walk = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
    for (const [field, inner] of Object.entries(value)) {
      const place = Array.isArray(value) ? path : path === '' ? field : `${path}.${field}`;
      if (/error_?code$/i.test(field) && inner !== 0) seen.add(`${place} ${errorName(inner as number)}`);
      else if (/authorizedOperations$/i.test(field) && (inner as number) >= 0) seen.add(`${place} ${inner}`);
      else walk(inner, place);
    }
  };
  walk(response, '');
  if (sample.showsResult) seen.add(sample.isAllowed(response, world) ? 'shown' : 'not shown');
  return [...seen].join(', ') || 'no error';
}

async function outcome(on: Stage, sample: Sample, { name }: Tester, world: World): Promise<string> {
  try {
    const body = sample.body(world) as never;
    const response = await on.get(sample.api as AnyApi, sample.version, body, { via: name, limitMs: 10_000 });
    return outcomeOf(sample, response as object, world);
  } catch (failure) {
    if (!(failure instanceof Unanswered)) throw failure;
    await on.logIn(name);
    return failure.message;
  }
}

export const authorizer: readonly Scenario[] = [
  {
    name: 'authorizer/every API and every operation',
    isLocked: true,
    async play(on) {
      const { none, all, allowed, denied } = testersOf(on);
      const everybody = [none, all, ...allowed, ...denied];
      for (const { name } of everybody) await on.createUser(name);
      await createAcls(
        on,
        everybody.flatMap(({ entries }) => entries),
      );
      for (const { name } of everybody) await on.until(() => canLogIn(on, name));
      const world = await worldOf(on);
      let topics = 0;
      for (const sample of compared) {
        await heartbeat(on, world);
        const of = async (tester: Tester): Promise<string> => {
          if (!sample.consumesTopic) return outcome(on, sample, tester, world);
          return outcome(on, sample, tester, { ...world, topic: await createTopic(on, `short-lived-${++topics}`) });
        };
        const [without, withAll] = [await of(none), await of(all)];
        const differing = async (testers: readonly Tester[], usual: string): Promise<Record<string, string>> => {
          const found: Record<string, string> = {};
          for (const tester of testers) {
            const own = await of(tester);
            if (own !== usual) found[tester.label] = own;
          }
          return found;
        };
        on.note(sample.title, {
          'without rights': without,
          'with all rights': withAll,
          allowed: await differing(allowed, without),
          denied: await differing(denied, withAll),
        });
      }
    },
  },
  {
    name: 'authorizer/which lists apply',
    isLocked: true,
    async play(on) {
      for (const topic of ['a', 'ab', 'b']) await createTopic(on, topic);
      const topics = ['a', 'ab', 'b'].map((name) => ({ name: on.own(name) }));
      const { TOPIC } = ResourceType;
      const { READ, WRITE, ALL, ALTER, ALTER_CONFIGS, DELETE, DESCRIBE } = OPERATIONS;
      const rows: readonly (readonly [label: string, ...entries: readonly Omit<Entry, 'principal' | 'type'>[]])[] = [
        ['one name', { operation: READ, name: on.own('a') }],
        ['a prefix', { operation: WRITE, name: on.own('a'), pattern: PREFIXED }],
        ['every name', { operation: ALTER }],
        ['a prefix that is a star', { operation: READ, name: '*', pattern: PREFIXED }],
        ['all, but one name', { operation: ALL }, { operation: ALL, name: on.own('a'), permission: DENY }],
        [
          'one name, but not with its prefix',
          { operation: ALL, name: on.own('ab') },
          { operation: WRITE, name: on.own('a'), pattern: PREFIXED, permission: DENY },
        ],
        [
          'a prefix, but no name',
          { operation: ALL, name: on.own('a'), pattern: PREFIXED },
          { operation: READ, permission: DENY },
        ],
        ['what implies another', { operation: ALTER_CONFIGS }],
        ['implied, and denied', { operation: READ }, { operation: DESCRIBE, permission: DENY }],
        ['all, but not what implies', { operation: ALL }, { operation: DELETE, permission: DENY }],
        ['from here', { operation: READ, host: '127.0.0.1' }],
        ['from elsewhere', { operation: READ, host: '192.0.2.1' }],
        ['not from here', { operation: READ }, { operation: READ, host: '127.0.0.1', permission: DENY }],
        ['not from elsewhere', { operation: READ }, { operation: READ, host: '192.0.2.1', permission: DENY }],
      ];
      for (const [at, [label, ...entries]] of rows.entries()) {
        const name = on.own(`user-${at}`);
        await on.createUser(name);
        await createAcls(
          on,
          entries.map((entry) => ({ type: TOPIC, principal: `User:${name}`, ...entry })),
        );
        await on.until(() => canLogIn(on, name));
        await on.ask(
          label,
          Metadata,
          9,
          { topics, includeTopicAuthorizedOperations: true },
          {
            via: name,
            keep: (answer) =>
              answer.topics.map((one) => ({
                name: one.name,
                errorCode: one.errorCode,
                operations: one.topicAuthorizedOperations,
              })),
          },
        );
        // It may write to any topic (KIP-679).
        const producer = { transactionalId: null, transactionTimeoutMs: 1_000 };
        await on.ask(`${label}: a producer id`, InitProducerId, 4, producer, {
          via: name,
          keep: ({ errorCode }) => ({ errorCode }),
        });
      }
    },
  },
  {
    name: 'authorizer/lists',
    isLocked: true,
    async play(on) {
      const { TOPIC, CLUSTER, GROUP, DELEGATION_TOKEN, USER } = ResourceType;
      const { READ, WRITE, CREATE_TOKENS, TWO_PHASE_COMMIT } = OPERATIONS;
      const [topic, principal] = [on.own('a'), `User:${on.own('u')}`];
      const entry = { type: TOPIC, name: topic, operation: READ, principal };
      const wrong: Readonly<Record<string, Entry>> = {
        'an empty name': { ...entry, name: '' },
        'another cluster': { ...entry, type: CLUSTER, name: 'mine' },
        'a cluster by a prefix': { ...entry, type: CLUSTER, name: CLUSTER_NAME, pattern: PREFIXED },
        'any type': { ...entry, type: ANY_TYPE },
        'an unknown type': { ...entry, type: NO_TYPE },
        'a type of later': { ...entry, type: 99 },
        'any operation': { ...entry, operation: ANY_OPERATION },
        'no operation': { ...entry, operation: NO_OPERATION },
        'an operation of later': { ...entry, operation: 99 },
        'a pattern that matches': { ...entry, pattern: MATCH },
        'any pattern': { ...entry, pattern: PatternType.ANY },
        'any permission': { ...entry, permission: PermissionType.ANY },
        'a principal without a type': { ...entry, principal: 'somebody' },
        'an empty principal': { ...entry, principal: '' },
        'a principal of an unknown type': { ...entry, principal: `Robot:${on.own('u')}` },
        'an empty host': { ...entry, host: '' },
        'an operation that its type does not know': { ...entry, type: GROUP, operation: WRITE },
        'a user': { ...entry, type: USER, name: principal, operation: CREATE_TOKENS },
        'a user without a type': { ...entry, type: USER, name: on.own('u'), operation: CREATE_TOKENS },
        'a token': { ...entry, type: DELEGATION_TOKEN, operation: OPERATIONS.DESCRIBE },
        'a transaction of two phases': { ...entry, type: ResourceType.TRANSACTIONAL_ID, operation: TWO_PHASE_COMMIT },
        'as it should be': entry,
        'once more': entry,
        'by a prefix': { ...entry, pattern: PREFIXED },
      };
      for (const [label, one] of Object.entries(wrong))
        await on.see(`created: ${label}`, CreateAcls, 3, { creations: [creation(one)] });
      await on.see('created: none', CreateAcls, 3, { creations: [] });
      const twice = { creations: [creation({ ...entry, name: on.own('b') }), creation({ ...entry, name: '' })] };
      for (const version of on.versions(CreateAcls))
        await on.see(`created v${version}: one of two`, CreateAcls, version, twice);
      await createAcls(on, [{ ...entry, name: on.own('last') }]);
      const filters: Readonly<Record<string, Filter>> = {
        'of a principal': { principal },
        'of a type': { principal, type: GROUP },
        'of a name': { name: topic },
        'that apply to a name': { name: on.own('ab'), pattern: MATCH, principal },
        'by prefixes': { pattern: PREFIXED, principal },
        'of an operation': { principal, operation: READ },
        'of a permission': { principal, permission: DENY },
        'of a host': { principal, host: '192.0.2.1' },
        'of nobody': { principal: 'User:nobody' },
        'of an empty name': { principal, name: '' },
        'of an empty principal': { principal: '' },
        'of an empty host': { principal, host: '' },
        'of a cluster that is none': { principal, type: CLUSTER, name: 'mine' },
        'of an unknown type': { principal, type: NO_TYPE },
        'of a type of later': { principal, type: 99 },
        'of no operation': { principal, operation: NO_OPERATION },
        'of no permission': { principal, permission: 0 },
        'of no pattern': { principal, pattern: 0 },
        'of a pattern of later': { principal, pattern: 99 },
      };
      const texts = (lists: readonly object[]): string[] => lists.map((one) => JSON.stringify(one)).toSorted();
      for (const [label, one] of Object.entries(filters))
        await on.see(`described: ${label}`, DescribeAcls, 3, filter(one), {
          keep: ({ resources, errorCode, errorMessage }) => ({
            errorCode,
            errorMessage,
            resources: texts(resources.flatMap(({ acls, ...on }) => acls.map((acl) => ({ ...on, ...acl })))),
          }),
        });
      for (const version of on.versions(DescribeAcls))
        await on.see(
          `described v${version}`,
          DescribeAcls,
          version,
          filter({ name: topic, pattern: LITERAL, type: TOPIC }),
          {
            keep: ({ resources, errorCode }) => ({ errorCode, acls: texts(resources.flatMap(({ acls }) => acls)) }),
          },
        );
      for (const [label, one] of Object.entries(filters))
        await on.see(
          `deleted: ${label}`,
          DeleteAcls,
          3,
          { filters: [filter(one)] },
          {
            keep: ({ filterResults }) =>
              filterResults.map(({ matchingAcls, errorCode, errorMessage }) => ({
                errorCode,
                errorMessage,
                acls: texts(matchingAcls),
              })),
          },
        );
      await on.see('deleted: by no filter', DeleteAcls, 3, { filters: [] });
    },
  },
];

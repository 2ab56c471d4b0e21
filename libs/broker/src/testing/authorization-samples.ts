// For each need of each handler, a request that has it: the rows of authorization.test.ts. A handler without rows, or with a
// need that no row has, fails there.
import { BrokerId, LeaderEpoch, Offset, Timestamp, type Uuid, ZERO_UUID } from '@milepost/core';
import { buildBatch } from '@milepost/records';
import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  AlterClientQuotas,
  AlterConfigs,
  AlterPartitionReassignments,
  AlterReplicaLogDirs,
  AlterShareGroupOffsets,
  AlterUserScramCredentials,
  ConfigResourceType,
  ConsumerGroupDescribe,
  ConsumerGroupHeartbeat,
  CoordinatorType,
  CreateAcls,
  CreateDelegationToken,
  CreatePartitions,
  CreateTopics,
  DeleteAcls,
  DeleteGroups,
  DeleteRecords,
  DeleteShareGroupOffsets,
  DeleteTopics,
  DescribeAcls,
  DescribeClientQuotas,
  DescribeCluster,
  DescribeConfigs,
  DescribeDelegationToken,
  DescribeGroups,
  DescribeLogDirs,
  DescribeProducers,
  DescribeQuorum,
  DescribeShareGroupOffsets,
  DescribeTopicPartitions,
  DescribeTransactions,
  DescribeUserScramCredentials,
  ElectLeaders,
  EndTxn,
  Fetch,
  FindCoordinator,
  Heartbeat,
  IncrementalAlterConfigs,
  InitProducerId,
  JoinGroup,
  LeaveGroup,
  ListConfigResources,
  ListGroups,
  ListOffsets,
  ListPartitionReassignments,
  ListTransactions,
  Metadata,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
  OffsetForLeaderEpoch,
  Produce,
  ShareAcknowledge,
  ShareFetch,
  ShareGroupDescribe,
  ShareGroupHeartbeat,
  SyncGroup,
  TxnOffsetCommit,
  UnregisterBroker,
  UpdateFeatures,
  WriteTxnMarkers,
} from '@milepost/wire';
import * as needs from '../security/needs.ts';
import { type Sample, sample, type World } from './authorization-sample.ts';

const ANY = 1;
const FILTER = { resourceTypeFilter: ANY, resourceNameFilter: null, patternTypeFilter: ANY, hostFilter: null };
const NOBODYS_ACLS = { ...FILTER, principalFilter: 'User:nobody', operation: ANY, permissionType: ANY };
const PRODUCER = { producerId: 7_000n, producerEpoch: 0 };
const NO_BYTES = Buffer.alloc(0);
const batch = (producer?: typeof PRODUCER): Buffer =>
  buildBatch({
    leaderEpoch: LeaderEpoch(-1),
    ...(producer && { ...producer, baseSequence: 0, isTransactional: true }),
    records: [{ key: null, value: Buffer.from('v'), timestamp: Timestamp(1_700_000_000_000) }],
  });
const BATCH = batch();
const TRANSACTIONAL_BATCH = batch(PRODUCER);

const committed = { partitionIndex: 0, committedOffset: Offset(1), committedMetadata: '' };
const commit = (topic: string) => ({ memberId: '', topics: [{ name: topic, partitions: [committed] }] });
const member = { memberId: 'm', generationId: 1 };
const fetched = { partition: 0, fetchOffset: Offset(0), partitionMaxBytes: 1_000 };
const newTopic = (name: string) => ({ name, numPartitions: 1, replicationFactor: 1 });
const { TOPIC, BROKER, GROUP } = ConfigResourceType;
const resource = (resourceType: number, resourceName: string) => ({ resourceType, resourceName });
const configs = [
  {
    title: 'of a topic',
    of: (world: World) => resource(TOPIC, world.topic),
    describe: needs.DESCRIBE_TOPIC_CONFIGS,
    alter: needs.ALTER_TOPIC_CONFIGS,
  },
  {
    title: 'of a group',
    of: () => resource(GROUP, 'g'),
    describe: needs.DESCRIBE_GROUP_CONFIGS,
    alter: needs.ALTER_GROUP_CONFIGS,
  },
  {
    title: 'of a broker',
    of: () => resource(BROKER, '1'),
    describe: needs.DESCRIBE_CLUSTER_CONFIGS,
    alter: needs.ALTER_CLUSTER_CONFIGS,
  },
];

export const samples: readonly Sample[] = [
  sample(Produce, 9, {
    needs: [needs.WRITE_TOPIC],
    body: ({ topic }) => ({
      transactionalId: null,
      acks: 1,
      timeoutMs: 1_000,
      topicData: [{ name: topic, partitionData: [{ index: 0, records: BATCH }] }],
    }),
  }),
  sample(Produce, 9, {
    title: 'in a transaction',
    needs: [needs.WRITE_TOPIC, needs.WRITE_TRANSACTION],
    body: ({ topic }) => ({
      transactionalId: 'y',
      acks: 1,
      timeoutMs: 1_000,
      topicData: [{ name: topic, partitionData: [{ index: 0, records: TRANSACTIONAL_BATCH }] }],
    }),
  }),
  sample(Fetch, 12, {
    needs: [needs.READ_TOPIC],
    body: ({ topic }) => ({ maxWaitMs: 0, minBytes: 0, topics: [{ topic, partitions: [fetched] }] }),
  }),
  sample(Fetch, 16, {
    title: 'of a follower',
    needs: [needs.CLUSTER_ACTION],
    body: ({ topicId = '' }) => ({
      replicaState: { replicaId: BrokerId(2), replicaEpoch: 1 },
      maxWaitMs: 0,
      minBytes: 0,
      topics: [{ topicId: (topicId || undefined) as never, partitions: [fetched] }],
    }),
  }),
  sample(ListOffsets, 7, {
    needs: [needs.DESCRIBE_TOPIC],
    body: ({ topic }) => ({
      replicaId: BrokerId(-1),
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: Timestamp(-1) }] }],
    }),
  }),
  sample(OffsetForLeaderEpoch, 4, {
    oneOf: [needs.DESCRIBE_TOPIC, needs.CLUSTER_ACTION],
    body: ({ topic }) => ({ topics: [{ topic, partitions: [{ partition: 0, leaderEpoch: LeaderEpoch(0) }] }] }),
  }),
  sample(Metadata, 9, {
    title: 'of a topic',
    needs: [needs.DESCRIBE_TOPIC],
    body: ({ topic }) => ({ topics: [{ name: topic }], allowAutoTopicCreation: false }),
  }),
  sample(Metadata, 12, {
    title: 'of all topics',
    needs: [needs.DESCRIBE_TOPIC],
    body: () => ({ topics: null }),
    shows: ({ topics }, { topic }) => topics.some(({ name }) => name === topic),
  }),
  sample(Metadata, 9, {
    title: 'that creates a topic',
    needs: [needs.DESCRIBE_TOPIC],
    oneOf: [needs.CREATE_TOPIC, needs.CREATE_ON_CLUSTER],
    body: fresh((name) => ({ topics: [{ name }], allowAutoTopicCreation: true })),
  }),
  sample(Metadata, 10, {
    title: 'with the operations on the cluster',
    needs: [needs.DESCRIBE_CLUSTER],
    body: () => ({ topics: [], includeClusterAuthorizedOperations: true }),
    shows: ({ clusterAuthorizedOperations }) => clusterAuthorizedOperations !== 0,
  }),
  sample(DescribeTopicPartitions, 0, {
    needs: [needs.DESCRIBE_TOPIC],
    body: ({ topic }) => ({ topics: [{ name: topic }], responsePartitionLimit: 10, cursor: null }),
  }),
  sample(DescribeTopicPartitions, 0, {
    title: 'of all topics',
    needs: [needs.DESCRIBE_TOPIC],
    body: () => ({ topics: [], responsePartitionLimit: 10, cursor: null }),
    shows: ({ topics }, { topic }) => topics.some(({ name }) => name === topic),
  }),
  sample(DescribeCluster, 1, {
    needs: [needs.DESCRIBE_CLUSTER],
    body: () => ({ includeClusterAuthorizedOperations: true }),
    shows: ({ clusterAuthorizedOperations }) => clusterAuthorizedOperations !== 0,
  }),

  sample(FindCoordinator, 4, {
    title: 'of a group',
    needs: [needs.DESCRIBE_GROUP],
    body: () => ({ keyType: CoordinatorType.GROUP, coordinatorKeys: ['g'] }),
  }),
  sample(FindCoordinator, 4, {
    title: 'of a transaction',
    needs: [needs.DESCRIBE_TRANSACTION],
    body: () => ({ keyType: CoordinatorType.TRANSACTION, coordinatorKeys: ['y'] }),
  }),
  sample(JoinGroup, 9, {
    needs: [needs.READ_GROUP],
    body: () => ({
      groupId: 'g',
      sessionTimeoutMs: 10_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: NO_BYTES }],
    }),
  }),
  sample(SyncGroup, 5, {
    needs: [needs.READ_GROUP],
    body: () => ({ groupId: 'g', ...member, protocolType: 'consumer', protocolName: 'range', assignments: [] }),
  }),
  sample(Heartbeat, 4, { needs: [needs.READ_GROUP], body: () => ({ groupId: 'g', ...member }) }),
  sample(LeaveGroup, 4, {
    needs: [needs.READ_GROUP],
    body: () => ({ groupId: 'g', members: [{ memberId: 'm', groupInstanceId: null }] }),
  }),
  sample(DescribeGroups, 5, { needs: [needs.DESCRIBE_GROUP], body: () => ({ groups: ['g'] }) }),
  sample(ListGroups, 5, {
    oneOf: [needs.DESCRIBE_CLUSTER, needs.DESCRIBE_GROUP],
    body: () => ({}),
    shows: ({ groups }, { consumerGroup }) => groups.some(({ groupId }) => groupId === consumerGroup),
  }),
  sample(DeleteGroups, 2, { needs: [needs.DELETE_GROUP], body: () => ({ groupsNames: ['g'] }) }),
  sample(OffsetCommit, 9, {
    needs: [needs.READ_GROUP, needs.READ_TOPIC],
    body: ({ topic }) => ({ groupId: 'g', ...commit(topic) }),
  }),
  sample(OffsetFetch, 9, {
    needs: [needs.DESCRIBE_GROUP, needs.DESCRIBE_TOPIC],
    body: ({ topic }) => ({ groups: [{ groupId: 'g', topics: [{ name: topic, partitionIndexes: [0] }] }] }),
  }),
  sample(OffsetDelete, 0, {
    needs: [needs.DELETE_GROUP, needs.READ_TOPIC],
    body: ({ topic, consumerGroup }) => ({
      groupId: consumerGroup,
      topics: [{ name: topic, partitions: [{ partitionIndex: 0 }] }],
    }),
  }),
  sample(ConsumerGroupHeartbeat, 1, {
    needs: [needs.READ_GROUP, needs.DESCRIBE_TOPIC],
    body: ({ topic }) => ({
      groupId: 'another',
      memberId: 'm',
      memberEpoch: 0,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: 1_000,
      subscribedTopicNames: [topic],
      serverAssignor: null,
      topicPartitions: [],
    }),
  }),
  sample(ConsumerGroupDescribe, 1, {
    needs: [needs.DESCRIBE_GROUP, needs.DESCRIBE_TOPIC],
    body: ({ consumerGroup }) => ({ groupIds: [consumerGroup], includeAuthorizedOperations: true }),
  }),
  sample(ShareGroupHeartbeat, 1, {
    needs: [needs.READ_GROUP, needs.DESCRIBE_TOPIC],
    body: ({ topic }) => ({ groupId: 'share', memberId: 'm', memberEpoch: 0, subscribedTopicNames: [topic] }),
  }),
  sample(ShareGroupDescribe, 1, {
    needs: [needs.DESCRIBE_GROUP, needs.DESCRIBE_TOPIC],
    body: ({ shareGroup }) => ({ groupIds: [shareGroup], includeAuthorizedOperations: true }),
  }),
  sample(ShareFetch, 2, {
    needs: [needs.READ_GROUP, needs.READ_TOPIC],
    body: ({ topicId = ZERO_UUID, shareGroup }) => ({
      groupId: shareGroup,
      memberId: 'm',
      shareSessionEpoch: 0,
      maxWaitMs: 0,
      minBytes: 0,
      maxRecords: 1,
      batchSize: 1,
      topics: [{ topicId: topicId as Uuid, partitions: [{ partitionIndex: 0, acknowledgementBatches: [] }] }],
      forgottenTopicsData: [],
    }),
  }),
  sample(ShareAcknowledge, 2, {
    needs: [needs.READ_GROUP, needs.READ_TOPIC],
    // The session was opened just now.
    body: ({ topicId = ZERO_UUID, shareGroup }) => ({
      groupId: shareGroup,
      memberId: 'owner',
      shareSessionEpoch: 1,
      topics: [
        {
          topicId: topicId as Uuid,
          partitions: [
            {
              partitionIndex: 0,
              acknowledgementBatches: [{ firstOffset: Offset(0), lastOffset: Offset(0), acknowledgeTypes: [1] }],
            },
          ],
        },
      ],
    }),
  }),
  sample(DescribeShareGroupOffsets, 1, {
    needs: [needs.DESCRIBE_GROUP, needs.DESCRIBE_TOPIC],
    body: ({ topic, shareGroup }) => ({
      groups: [{ groupId: shareGroup, topics: [{ topicName: topic, partitions: [0] }] }],
    }),
  }),
  sample(AlterShareGroupOffsets, 0, {
    needs: [needs.READ_GROUP, needs.READ_TOPIC],
    body: ({ topic }) => ({
      groupId: 'empty share',
      topics: [{ topicName: topic, partitions: [{ partitionIndex: 0, startOffset: Offset(0) }] }],
    }),
  }),
  sample(DeleteShareGroupOffsets, 0, {
    needs: [needs.DELETE_GROUP, needs.READ_TOPIC],
    body: ({ topic }) => ({ groupId: 'deserted share', topics: [{ topicName: topic }] }),
  }),

  sample(InitProducerId, 4, {
    title: 'of a transaction',
    needs: [needs.WRITE_TRANSACTION],
    body: () => ({ transactionalId: 'y', transactionTimeoutMs: 1_000 }),
  }),
  sample(InitProducerId, 4, {
    title: 'of an idempotent producer',
    oneOf: [needs.IDEMPOTENT_WRITE, needs.WRITE_TOPIC],
    body: () => ({ transactionalId: null, transactionTimeoutMs: 1_000 }),
  }),
  sample(AddPartitionsToTxn, 3, {
    title: 'by a client',
    needs: [needs.WRITE_TRANSACTION, needs.WRITE_TOPIC],
    body: ({ topic }) => ({
      v3AndBelowTransactionalId: 'y',
      v3AndBelowProducerId: PRODUCER.producerId,
      v3AndBelowProducerEpoch: 0,
      v3AndBelowTopics: [{ name: topic, partitions: [0] }],
    }),
  }),
  sample(AddPartitionsToTxn, 4, {
    title: 'by a broker',
    needs: [needs.CLUSTER_ACTION],
    body: ({ topic }) => ({
      transactions: [{ transactionalId: 'y', ...PRODUCER, topics: [{ name: topic, partitions: [0] }] }],
    }),
  }),
  sample(AddOffsetsToTxn, 3, {
    needs: [needs.WRITE_TRANSACTION, needs.READ_GROUP],
    body: () => ({ transactionalId: 'y', groupId: 'g', ...PRODUCER }),
  }),
  sample(TxnOffsetCommit, 3, {
    needs: [needs.WRITE_TRANSACTION, needs.READ_GROUP, needs.READ_TOPIC],
    body: ({ topic }) => ({ transactionalId: 'y', groupId: 'g', ...PRODUCER, ...commit(topic) }),
  }),
  sample(EndTxn, 3, {
    needs: [needs.WRITE_TRANSACTION],
    body: () => ({ transactionalId: 'y', ...PRODUCER, committed: true }),
  }),
  sample(WriteTxnMarkers, 1, {
    oneOf: [needs.ALTER_CLUSTER, needs.CLUSTER_ACTION],
    body: ({ topic }) => ({
      markers: [
        { ...PRODUCER, transactionResult: true, coordinatorEpoch: 0, topics: [{ name: topic, partitionIndexes: [0] }] },
      ],
    }),
  }),
  sample(DescribeTransactions, 0, {
    needs: [needs.DESCRIBE_TRANSACTION],
    body: () => ({ transactionalIds: ['y'] }),
  }),
  sample(DescribeTransactions, 0, {
    title: 'with its topics',
    needs: [needs.DESCRIBE_TRANSACTION, needs.DESCRIBE_TOPIC],
    body: ({ openTransaction }) => ({ transactionalIds: [openTransaction] }),
    shows: ({ transactionStates }) => transactionStates.some(({ topics }) => topics.length > 0),
  }),
  sample(ListTransactions, 0, {
    needs: [needs.DESCRIBE_TRANSACTION],
    body: () => ({ stateFilters: [], producerIdFilters: [] }),
    shows: ({ transactionStates }) => transactionStates.length > 0,
  }),

  sample(CreateTopics, 7, {
    needs: [needs.DESCRIBE_TOPIC_CONFIGS],
    oneOf: [needs.CREATE_TOPIC, needs.CREATE_ON_CLUSTER],
    body: fresh((name) => ({ topics: [newTopic(name)], validateOnly: true })),
  }),
  sample(CreatePartitions, 3, {
    needs: [needs.ALTER_TOPIC],
    body: ({ topic }) => ({
      topics: [{ name: topic, count: 2, assignments: null }],
      timeoutMs: 1_000,
      validateOnly: true,
    }),
  }),
  sample(DeleteTopics, 6, {
    needs: [needs.DELETE_TOPIC, needs.DESCRIBE_TOPIC],
    consumesTopic: true,
    body: ({ topic }) => ({ topics: [{ name: topic }], timeoutMs: 1_000 }),
  }),
  sample(DeleteTopics, 6, {
    title: 'of any name',
    needs: [needs.DELETE_ON_CLUSTER],
    body: () => ({ topics: [{ name: 'nothing' }], timeoutMs: 1_000 }),
  }),
  sample(DeleteRecords, 2, {
    needs: [needs.DELETE_TOPIC],
    body: ({ topic }) => ({
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, offset: Offset(0) }] }],
      timeoutMs: 1_000,
    }),
  }),
  sample(DescribeProducers, 0, {
    needs: [needs.READ_TOPIC],
    body: ({ topic }) => ({ topics: [{ name: topic, partitionIndexes: [0] }] }),
  }),

  ...configs.flatMap(({ title, of, describe, alter }) => [
    sample(DescribeConfigs, 4, {
      title,
      needs: [describe],
      body: (world) => ({ resources: [{ ...of(world), configurationKeys: null }] }),
    }),
    sample(AlterConfigs, 2, {
      title,
      needs: [alter],
      body: (world) => ({ resources: [{ ...of(world), configs: [] }], validateOnly: true }),
    }),
    sample(IncrementalAlterConfigs, 1, {
      title,
      needs: [alter],
      body: (world) => ({ resources: [{ ...of(world), configs: [] }], validateOnly: true }),
    }),
  ]),
  sample(ListConfigResources, 1, {
    needs: [needs.DESCRIBE_CLUSTER_CONFIGS],
    body: () => ({ resourceTypes: [] }),
  }),

  sample(DescribeAcls, 3, { needs: [needs.DESCRIBE_CLUSTER], body: () => NOBODYS_ACLS }),
  sample(CreateAcls, 3, {
    needs: [needs.ALTER_CLUSTER],
    body: () => ({
      creations: [{ ...resource(2, 't'), principal: 'User:nobody', host: '*', operation: 3, permissionType: 3 }],
    }),
  }),
  sample(DeleteAcls, 3, { needs: [needs.ALTER_CLUSTER], body: () => ({ filters: [NOBODYS_ACLS] }) }),
  sample(CreateDelegationToken, 3, {
    title: 'of another user',
    needs: [needs.CREATE_TOKENS_OF_USER],
    body: () => ({
      ownerPrincipalType: 'User',
      ownerPrincipalName: 'nobody',
      renewers: [],
      maxLifetimeMs: -1n,
    }),
  }),
  sample(DescribeDelegationToken, 3, {
    oneOf: [needs.DESCRIBE_TOKEN, needs.DESCRIBE_TOKENS_OF_USER],
    body: ({ tokenOwner }) => ({ owners: [{ principalType: 'User', principalName: tokenOwner }] }),
    shows: ({ tokens }) => tokens.length > 0,
  }),
  sample(DescribeClientQuotas, 1, {
    needs: [needs.DESCRIBE_CLUSTER_CONFIGS],
    body: () => ({ components: [], strict: false }),
  }),
  sample(AlterClientQuotas, 1, {
    needs: [needs.ALTER_CLUSTER_CONFIGS],
    body: () => ({
      entries: [{ entity: [{ entityType: 'user', entityName: 'nobody' }], ops: [] }],
      validateOnly: true,
    }),
  }),
  // Kafka fails where null users are refused, and never responds.
  sample(DescribeUserScramCredentials, 0, {
    needs: [needs.DESCRIBE_CLUSTER],
    body: () => ({ users: [{ name: 'nobody' }] }),
  }),
  sample(AlterUserScramCredentials, 0, {
    needs: [needs.ALTER_CLUSTER],
    body: () => ({ deletions: [{ name: 'nobody', mechanism: 1 }], upsertions: [] }),
  }),
  sample(ElectLeaders, 2, {
    needs: [needs.ALTER_CLUSTER],
    body: ({ topic }) => ({ topicPartitions: [{ topic, partitions: [0] }] }),
  }),
  sample(AlterPartitionReassignments, 1, {
    needs: [needs.ALTER_CLUSTER],
    body: ({ topic }) => ({ topics: [{ name: topic, partitions: [{ partitionIndex: 0, replicas: null }] }] }),
  }),
  sample(ListPartitionReassignments, 0, { needs: [needs.DESCRIBE_CLUSTER], body: () => ({}) }),
  sample(AlterReplicaLogDirs, 2, {
    needs: [needs.ALTER_CLUSTER],
    body: ({ topic }) => ({ dirs: [{ path: '/data', topics: [{ name: topic, partitions: [0] }] }] }),
  }),
  sample(DescribeLogDirs, 4, { needs: [needs.DESCRIBE_CLUSTER], body: () => ({ topics: null }) }),
  sample(DescribeQuorum, 2, {
    needs: [needs.DESCRIBE_CLUSTER],
    body: () => ({ topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }] }),
  }),
  sample(UpdateFeatures, 1, { needs: [needs.ALTER_CLUSTER], body: () => ({ featureUpdates: [] }) }),
  sample(UnregisterBroker, 0, { needs: [needs.ALTER_CLUSTER], body: () => ({ brokerId: BrokerId(99) }) }),
];

/** With a name that no earlier request has used. */
function fresh<Body>(body: (name: string) => Body): () => Body {
  let number = 0;
  return () => body(`new-${++number}`);
}

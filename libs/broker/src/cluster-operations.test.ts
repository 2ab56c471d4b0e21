// Administrators' requests about the cluster as a whole, and settings for groups, clients and the broker's log.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerId, ErrorCode, type Logger, silentLogger, Timestamp, Uuid, ZERO_UUID } from '@milepost/core';
import { nodeHost } from '@milepost/node-host';
import { buildBatch } from '@milepost/records';
import {
  AlterConfigs,
  AlterPartitionReassignments,
  AlterReplicaLogDirs,
  ApiVersions,
  ConfigOperation,
  ConfigResourceType,
  CreateTopics,
  DescribeConfigs,
  DescribeProducers,
  DescribeQuorum,
  ElectionType,
  ElectLeaders,
  FeatureUpgradeType,
  GetTelemetrySubscriptions,
  IncrementalAlterConfigs,
  ListConfigResources,
  ListPartitionReassignments,
  Produce,
  PushTelemetry,
  UnregisterBroker,
  UpdateFeatures,
} from '@milepost/wire';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import type { RawClient } from './testing/raw-client.ts';

let folder: string;
let broker: BrokerUnderTest;
let client: RawClient;
let logger: Logger;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'milepost-cluster-'));
  logger = { ...silentLogger, level: 'info' };
  broker = new BrokerUnderTest(nodeHost({ logger }), folder);
  await broker.start();
  client = await broker.client();
  await client.ask(CreateTopics, 7, { topics: [{ name: 't', numPartitions: 2, replicationFactor: 1 }] });
});
afterEach(async () => {
  await broker.stop();
  rmSync(folder, { recursive: true });
});

async function alter(resourceType: number, resourceName: string, name: string, value: string | null, operation = 0) {
  const { responses } = await client.ask(IncrementalAlterConfigs, 1, {
    validateOnly: false,
    resources: [{ resourceType, resourceName, configs: [{ name, configOperation: operation, value }] }],
  });
  return responses[0]?.errorCode;
}

async function described(resourceType: number, resourceName: string, name: string) {
  const { results } = await client.ask(DescribeConfigs, 4, {
    resources: [{ resourceType, resourceName, configurationKeys: [name] }],
    includeSynonyms: true,
  });
  const config = results[0]?.configs[0];
  return config && [config.value, config.configSource, ...config.synonyms.map((one) => `${one.source} ${one.value}`)];
}

const { GROUP, CLIENT_METRICS, BROKER_LOGGER, BROKER, TOPIC } = ConfigResourceType;

test('the quorum has one voter: this broker, at the version of the metadata', async () => {
  const asked = { topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }] };
  const { topics, nodes } = await client.ask(DescribeQuorum, 2, asked);
  const { version } = broker.broker.image();
  expect(topics[0]?.partitions[0]).toMatchObject({
    errorCode: ErrorCode.NONE,
    leaderId: 1,
    highWatermark: version,
    currentVoters: [{ replicaId: 1, logEndOffset: version }],
    observers: [],
  });
  expect(nodes[0]?.listeners[0]?.port).toBe(broker.broker.address.port);
  const other = await client.ask(DescribeQuorum, 0, {
    topics: [{ topicName: 't', partitions: [{ partitionIndex: 0 }] }],
  });
  expect(other.topics[0]?.partitions[0]?.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
});

test('features are returned with the version of the metadata, and cannot be changed', async () => {
  const versions = await client.ask(ApiVersions, 4, { clientSoftwareName: 'test', clientSoftwareVersion: '1' });
  expect(versions.finalizedFeaturesEpoch).toBe(broker.broker.image().version);
  expect(versions.finalizedFeatures).toContainEqual({ name: 'group.version', minVersionLevel: 1, maxVersionLevel: 1 });
  const update = async (version: number, feature: string, maxVersionLevel: number) => {
    const upgradeType = version === 0 ? {} : { upgradeType: FeatureUpgradeType.UPGRADE };
    const featureUpdates = [{ feature, maxVersionLevel, ...upgradeType }];
    return client.ask(UpdateFeatures, version, { featureUpdates });
  };
  expect((await update(2, 'group.version', 1)).errorCode).toBe(ErrorCode.NONE);
  expect((await update(0, 'group.version', 1)).results).toMatchObject([{ errorCode: ErrorCode.NONE }]);
  expect((await update(2, 'group.version', 2)).errorCode).toBe(ErrorCode.INVALID_UPDATE_VERSION);
  expect((await update(1, 'nobody.knows', 1)).errorCode).toBe(ErrorCode.INVALID_UPDATE_VERSION);
});

test('an election is not needed; a request for all partitions leaves out those that need none', async () => {
  const topicPartitions = [{ topic: 't', partitions: [0, 7] }];
  const some = await client.ask(ElectLeaders, 2, { electionType: ElectionType.PREFERRED, topicPartitions });
  expect(some.replicaElectionResults[0]?.partitionResult.map(({ errorCode }) => errorCode)).toEqual([
    ErrorCode.ELECTION_NOT_NEEDED,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ]);
  const all = await client.ask(ElectLeaders, 2, { electionType: ElectionType.UNCLEAN, topicPartitions: null });
  expect(all.replicaElectionResults).toEqual([{ topic: 't', partitionResult: [] }]);
  const odd = await client.ask(ElectLeaders, 1, { electionType: 9, topicPartitions });
  expect(odd.errorCode).toBe(ErrorCode.INVALID_REQUEST);
});

test('replicas do not move, and the error codes are Kafka’s', async () => {
  const reassign = async (partitionIndex: number, replicas: number[] | null) => {
    const partitions = [{ partitionIndex, replicas: replicas && replicas.map(BrokerId) }];
    const { responses } = await client.ask(AlterPartitionReassignments, 1, { topics: [{ name: 't', partitions }] });
    return responses[0]?.partitions[0]?.errorCode;
  };
  expect(await reassign(0, [1])).toBe(ErrorCode.NONE);
  expect(await reassign(0, [2])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
  expect(await reassign(0, [1, 1])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
  expect(await reassign(0, [])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
  expect(await reassign(0, null)).toBe(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS);
  expect(await reassign(9, [1])).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  expect((await client.ask(ListPartitionReassignments, 0, {})).topics).toEqual([]);
  const move = async (path: string, name = 't') => {
    const dirs = [{ path, topics: [{ name, partitions: [0] }] }];
    return (await client.ask(AlterReplicaLogDirs, 2, { dirs })).results[0]?.partitions[0]?.errorCode;
  };
  expect(await move(folder)).toBe(ErrorCode.NONE);
  expect(await move('/nowhere')).toBe(ErrorCode.LOG_DIR_NOT_FOUND);
  expect(await move(folder, 'nothing')).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
});

test('a broker that is gone can be unregistered, but not an unknown one nor the one that gets the request', async () => {
  const unregister = async (id: number) =>
    (await client.ask(UnregisterBroker, 0, { brokerId: BrokerId(id) })).errorCode;
  expect(await unregister(9)).toBe(ErrorCode.BROKER_ID_NOT_REGISTERED);
  expect(await unregister(1)).toBe(ErrorCode.INVALID_REQUEST);
});

test('a partition lists the producers that it has state of', async () => {
  const producer = { producerId: 77n, producerEpoch: 3, baseSequence: 0 };
  const records = buildBatch({
    records: [{ key: null, value: Buffer.from('v'), timestamp: Timestamp(1_000) }],
    ...producer,
  });
  await client.ask(Produce, 8, {
    acks: -1,
    timeoutMs: 60_000,
    topicData: [{ name: 't', topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }],
  });
  const { topics } = await client.ask(DescribeProducers, 0, { topics: [{ name: 't', partitionIndexes: [0, 5] }] });
  expect(topics[0]?.partitions[0]?.activeProducers).toMatchObject([
    { producerId: 77n, producerEpoch: 3, lastSequence: 0, currentTxnStartOffset: -1 },
  ]);
  expect(topics[0]?.partitions[1]?.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
});

test('a group’s configs are stored, described with the broker’s defaults as synonyms, and gone when deleted', async () => {
  const timeout = 'consumer.session.timeout.ms';
  expect(await described(GROUP, 'g', timeout)).toEqual(['45000', 5, '5 45000']);
  expect(await alter(GROUP, 'g', timeout, '50000')).toBe(ErrorCode.NONE);
  expect(await described(GROUP, 'g', timeout)).toEqual(['50000', 8, '8 50000', '5 45000']);
  expect(broker.broker.image().groupConfigs.get('g')).toEqual({ [timeout]: '50000' });
  expect(await alter(GROUP, 'g', timeout, '70000')).toBe(ErrorCode.INVALID_CONFIG);
  expect(await alter(GROUP, 'g', 'nobody.knows', '1')).toBe(ErrorCode.INVALID_CONFIG);
  expect(await alter(GROUP, 'g', 'share.auto.offset.reset', 'by_duration:PT1H')).toBe(ErrorCode.NONE);
  expect(await alter(GROUP, 'g', 'share.auto.offset.reset', 'by_duration:-PT1H')).toBe(ErrorCode.INVALID_CONFIG);
  expect(await alter(GROUP, '', timeout, '50000')).toBe(ErrorCode.INVALID_REQUEST);
  await alter(GROUP, 'g', 'share.auto.offset.reset', null, ConfigOperation.DELETE);
  await alter(GROUP, 'g', timeout, null, ConfigOperation.DELETE);
  expect(broker.broker.image().groupConfigs.size).toBe(0);
});

test('the level of the broker’s log is described, and only IncrementalAlterConfigs changes it', async () => {
  expect(await described(BROKER_LOGGER, '1', 'root')).toEqual(['INFO', 6]);
  expect(await alter(BROKER_LOGGER, '1', 'root', 'DEBUG')).toBe(ErrorCode.NONE);
  expect(logger.level).toBe('debug');
  expect(await alter(BROKER_LOGGER, '1', 'root', 'LOUD')).toBe(ErrorCode.INVALID_CONFIG);
  expect(await alter(BROKER_LOGGER, '1', 'kafka', 'INFO')).toBe(ErrorCode.INVALID_CONFIG);
  expect(await alter(BROKER_LOGGER, '1', 'root', null, ConfigOperation.DELETE)).toBe(ErrorCode.INVALID_REQUEST);
  expect(await alter(BROKER_LOGGER, '2', 'root', 'INFO')).toBe(ErrorCode.INVALID_REQUEST);
  const configs = [{ name: 'root', value: 'INFO' }];
  const resources = [{ resourceType: BROKER_LOGGER, resourceName: '1', configs }];
  const older = await client.ask(AlterConfigs, 2, { validateOnly: false, resources });
  expect(older.responses[0]?.errorCode).toBe(ErrorCode.INVALID_REQUEST);
  expect(logger.level).toBe('debug');
});

test('resources with configs are listed by type', async () => {
  await alter(GROUP, 'g', 'consumer.session.timeout.ms', '50000');
  await alter(CLIENT_METRICS, 'all', 'metrics', '*');
  const listed = async (version: number, resourceTypes: number[] = []) => {
    const asked = version === 0 ? {} : { resourceTypes };
    const { errorCode, configResources } = await client.ask(ListConfigResources, version, asked);
    return errorCode || configResources.map(({ resourceType, resourceName }) => `${resourceType} ${resourceName}`);
  };
  expect(await listed(0)).toEqual(['16 all']);
  expect(await listed(1)).toEqual(['32 g', '16 all', '8 1', '4 1', '2 t']);
  expect(await listed(1, [TOPIC, BROKER])).toEqual(['4 1', '2 t']);
  expect(await listed(1, [99])).toBe(ErrorCode.UNSUPPORTED_VERSION);
});

test('a client learns which metrics to push, and may push no others', async () => {
  await client.ask(ApiVersions, 3, { clientSoftwareName: 'apache-kafka-java', clientSoftwareVersion: '4.3.1' });
  expect(await alter(CLIENT_METRICS, 'java', 'metrics', 'org.apache.kafka.producer.,org.apache')).toBe(ErrorCode.NONE);
  expect(await alter(CLIENT_METRICS, 'java', 'match', 'client_software_name=apache-.*')).toBe(ErrorCode.NONE);
  expect(await alter(CLIENT_METRICS, 'java', 'interval.ms', '60000')).toBe(ErrorCode.NONE);
  expect(await alter(CLIENT_METRICS, 'other', 'match', 'client_software_name=librdkafka')).toBe(ErrorCode.NONE);
  expect(await alter(CLIENT_METRICS, 'other', 'metrics', '*')).toBe(ErrorCode.NONE);
  expect(await alter(CLIENT_METRICS, 'x', 'interval.ms', '1')).toBe(ErrorCode.INVALID_REQUEST);
  expect(await alter(CLIENT_METRICS, 'x', 'match', 'truck=1')).toBe(ErrorCode.INVALID_CONFIG);
  expect(await alter(CLIENT_METRICS, 'x', 'nobody.knows', '1')).toBe(ErrorCode.INVALID_REQUEST);

  const ask = (clientInstanceId: Uuid) => client.ask(GetTelemetrySubscriptions, 0, { clientInstanceId });
  const first = await ask(ZERO_UUID);
  expect(first).toMatchObject({
    errorCode: ErrorCode.NONE,
    pushIntervalMs: 60_000,
    requestedMetrics: ['org.apache', 'org.apache.kafka.producer.'],
    telemetryMaxBytes: 1_048_576,
  });
  const id = first.clientInstanceId;
  expect((await ask(id)).errorCode).toBe(ErrorCode.THROTTLING_QUOTA_EXCEEDED);

  const push = async (subscriptionId: number, more: object = {}) => {
    const request = { clientInstanceId: id, subscriptionId, terminating: false, compressionType: 0 };
    return (await client.ask(PushTelemetry, 0, { ...request, metrics: Buffer.from('m'), ...more })).errorCode;
  };
  expect(await push(first.subscriptionId, { clientInstanceId: ZERO_UUID })).toBe(ErrorCode.INVALID_REQUEST);
  expect(await push(first.subscriptionId)).toBe(ErrorCode.NONE);
  expect(await push(first.subscriptionId)).toBe(ErrorCode.THROTTLING_QUOTA_EXCEEDED);
  expect(await push(first.subscriptionId + 1, { terminating: true })).toBe(ErrorCode.UNKNOWN_SUBSCRIPTION_ID);
  expect(await push(first.subscriptionId)).toBe(ErrorCode.INVALID_REQUEST); // its previous push was marked as the last

  await alter(CLIENT_METRICS, 'java', 'interval.ms', '100');
  const changed = await ask(id);
  expect([changed.errorCode, changed.pushIntervalMs]).toEqual([ErrorCode.NONE, 100]);
  const tooMuch = { metrics: Buffer.alloc(1_048_577) };
  expect(await push(changed.subscriptionId, tooMuch)).toBe(ErrorCode.TELEMETRY_TOO_LARGE);
});

// A broker: opens its logs, takes its groups, answers clients. Plain objects from here down; what can be made with `new`
// can be simulated.
//
// Start: metadata, logs (recovered), a new leader epoch where a log lost its tail (KIP-320), groups, the port, the
// registration; only then are clients read from. Stop: no new clients, what is under way is answered, logs are synced
// and closed. The store and the group store are the caller's, to be closed after the broker.
import { type Address, type Cancel, type Host, type Logger, Offset, severalAtOnce } from '@milepost/core';
import { CoordinatorStoreUnavailable, GroupCoordinator, type GroupStore } from '@milepost/coordinators';
import { LogCleaner, LogDirectory, LogFailed, logConfigOf } from '@milepost/log';
import {
  brokerNumber,
  type ClusterImage,
  type MetadataStore,
  OFFSETS_TOPIC,
  StoreUnavailable,
  topicConfigValues,
  type TopicState,
} from '@milepost/metadata';
import { type BrokerConfig, cleanerSettings, configLayers, connectionLimitsOf, settingsOf } from './broker-config.ts';
import { BrokerGauges } from './telemetry/broker-gauges.ts';
import { ClientListener } from './network/client-listener.ts';
import { ClientTelemetry } from './admin/client-telemetry.ts';
import { ClusterAdmin } from './admin/cluster-admin.ts';
import { CommitQueue } from './admin/commit-queue.ts';
import { ConfigAdmin } from './admin/config-admin.ts';
import { Dispatcher } from './dispatch.ts';
import { FetchSessionCache } from './fetch-sessions/fetch-session-cache.ts';
import { groupOverrides } from './groups/group-overrides.ts';
import { chooseGroupShards } from './groups/group-shards.ts';
import { handlers } from './handlers/index.ts';
import { LagTimes } from './telemetry/lag-times.ts';
import { LocalPartitions } from './partitions/local-partitions.ts';
import { LogLevel } from './admin/log-level.ts';
import { MemoryBudget } from './network/memory-budget.ts';
import { OffsetsTopic } from './groups/offsets-topic.ts';
import { ProducerIds } from './admin/producer-ids.ts';
import { Purgatory } from './partitions/purgatory.ts';
import { Unpacking } from './partitions/unpacking.ts';
import { Quotas } from './quotas/quotas.ts';
import { BufferPool } from './network/buffer-pool.ts';
import type { Services } from './services.ts';
import { type GroupSnapshot, groupSnapshots, type TopicSnapshot, topicSnapshots } from './telemetry/snapshots.ts';
import { TopicAdmin } from './admin/topic-admin.ts';
import { ImageCatalog } from './groups/topic-catalog.ts';
import { TopicTraffic } from './telemetry/topic-traffic.ts';

const STORE_RETRY_MS = 1_000;
/** Logs that delete at once: they share the writing of the checkpoints, which name every partition. */
const RETENTIONS_AT_ONCE = 64;
/** A disk with this much free is not full, whatever a log has found before. */
const ROOM_BYTES = 64 * 1024 * 1024;

export interface Broker {
  /** Where it listens. */
  readonly address: Address;
  readonly clusterId: string;
  image(): ClusterImage;
  topics(): TopicSnapshot[];
  groupsSnapshot(): Promise<GroupSnapshot[]>;
  /** Partitions whose disk failed: they take no more records until a restart. */
  failedPartitions(): string[];
  /** Partitions that the disk has no room for now. */
  partitionsOutOfRoom(): string[];
  close(): Promise<void>;
}

/** @throws AddressInUse; LogDirectoryRefused: the folder cannot be used, and the message says why. */
export async function createBroker(
  host: Host,
  store: MetadataStore,
  groupStore: GroupStore,
  config: BrokerConfig,
): Promise<Broker> {
  const first = await patiently(host, () => store.open());
  const configOf = (topic: TopicState, image: ClusterImage) =>
    logConfigOf(topicConfigValues(topic.configs, configLayers(image, config)));
  const directory = await openLogs(host, first, config, configOf);
  const closing: (() => unknown)[] = [() => directory.close()];
  try {
    return await serve(host, store, groupStore, config, { first, directory, configOf, closing });
  } catch (failure) {
    for (const close of closing.toReversed()) await close();
    throw failure;
  }
}

type ConfigOf = (topic: TopicState, image: ClusterImage) => ReturnType<typeof logConfigOf>;

function openLogs(host: Host, image: ClusterImage, config: BrokerConfig, configOf: ConfigOf): Promise<LogDirectory> {
  const { clusterId } = image;
  const { brokerId, dataDir, flush, onProgress } = config;
  return LogDirectory.open(
    host,
    dataDir,
    { clusterId, brokerId },
    {
      flush,
      configOf: (name) => {
        const topic = image.topics.get(name);
        return topic ? configOf(topic, image) : logConfigOf({});
      },
      topicIdOf: (name) => image.topics.get(name)?.id,
      ...(onProgress && { onProgress }),
    },
  );
}

interface Opened {
  readonly first: ClusterImage;
  readonly directory: LogDirectory;
  readonly configOf: ConfigOf;
  /** Undone in reverse order, both on a failed start and at the end. */
  readonly closing: (() => unknown)[];
}

async function serve(
  host: Host,
  store: MetadataStore,
  groupStore: GroupStore,
  config: BrokerConfig,
  { first, directory, configOf, closing }: Opened,
): Promise<Broker> {
  const { clock, logger, meter, random } = host;
  const { brokerId, flush } = config;
  const settings = settingsOf(configLayers(first, config));
  const partitions = new LocalPartitions(directory, first, { brokerId, flush, logger, configOf });
  const image = (): ClusterImage => partitions.image;
  const layersOf = (of: ClusterImage) => configLayers(of, config);
  const layers = () => layersOf(image());
  closing.push(() => partitions.retire());
  await partitions.setAsideStrays(first);
  const current = await patiently(host, () => store.commit((image) => partitions.newEpochsAfterLoss(image)));
  await partitions.setAsideStrays(current); // a deletion of the last life may have been made only now
  await partitions.apply(current);

  const { shards, warning } = chooseGroupShards({
    stored: await patiently(host, () => groupStore.shards()),
    topic: current.topics.get(OFFSETS_TOPIC)?.partitions.length,
    setting: settings.groupShards,
  });
  if (warning) logger.warn({}, warning);
  const offsetsTopic = new OffsetsTopic({
    partitions,
    layers,
    shards,
    now: () => clock.monotonic(),
    logger,
  });
  const groups = new GroupCoordinator({
    clock,
    random,
    logger,
    meter,
    store: groupStore,
    writer: offsetsTopic,
    catalog: new ImageCatalog(image),
    config: settings.groups,
    overridesOf: (groupId) => groupOverrides(image().groupConfigs.get(groupId), layers),
    shards,
  });
  closing.push(() => groups.close());
  await groups.start(Array.from({ length: shards }, (_, shard) => shard));

  const traffic = new TopicTraffic(meter, () => image().topics.keys());
  const apply = async (newer: ClusterImage): Promise<void> => {
    await partitions.apply(newer);
    groups.topicsChanged();
  };
  const queue = new CommitQueue({ store, image, apply });
  const logLevel = new LogLevel(logger);
  const quotas = new Quotas({
    clock,
    meter,
    image,
    windows: settings.quotaWindows,
    controllerWindows: settings.controllerQuotaWindows,
    connectionRate: () => brokerNumber(layers(), 'max.connection.creation.rate'),
  });
  const buffers = new BufferPool();
  const memory = new MemoryBudget({
    requestBytes: settings.queuedRequestBytes,
    answerBytes: settings.queuedResponseBytes,
  });
  const services: Services = {
    host,
    config,
    settings,
    partitions,
    delayedProduces: new Purgatory(clock),
    delayedFetches: new Purgatory(clock),
    unpacking: new Unpacking(clock),
    buffers,
    memory,
    fetchSessions: new FetchSessionCache({ clock, random, meter, slots: settings.fetchSessionSlots }),
    groups,
    configs: new ConfigAdmin({ brokerId, queue, layers: layersOf, logLevel }),
    cluster: new ClusterAdmin({ brokerId, queue, image }),
    logLevel,
    quotas,
    telemetry: new ClientTelemetry({ clock, random, meter, image, maxBytes: settings.telemetryMaxBytes }),
    offsetsTopic,
    topics: new TopicAdmin({
      host,
      queue,
      layers: layersOf,
    }),
    producerIds: new ProducerIds(store),
    traffic,
    apis: handlers.map(({ api }) => api),
    image,
  };

  const clients = new ClientListener({
    host,
    requestMaxBytes: settings.requestMaxBytes,
    connectionsMaxIdleMs: settings.connectionsMaxIdleMs,
    quotas,
    memory,
    buffers,
    connectionLimits: () => connectionLimitsOf(layers()),
  });
  const address = await clients.listen(config.listen, new Dispatcher(services));
  closing.push(() => farewell(services, clients));
  closing.push(store.watch((newer) => void apply(newer).catch(warn(logger, 'a metadata change failed here'))));
  await register(host, store, config, address, partitions);
  closing.push(keepRetention(host, partitions, settings.retentionCheckIntervalMs));
  const cleaner = new LogCleaner({
    host,
    logs: () => Array.from(partitions.all(), ({ log }) => log),
    settings: () => cleanerSettings(layers()),
    lastStableOffsetOf: (log) => partitions.get(log.topic, log.partition)?.lastStableOffset ?? Offset(0),
  });
  cleaner.begin();
  closing.push(() => cleaner.close());

  const topics = (): TopicSnapshot[] => topicSnapshots(image(), partitions);
  const groupsSnapshot = (): Promise<GroupSnapshot[]> => groupSnapshots(groups, partitions);
  const gauges = new BrokerGauges(meter, {
    brokerId,
    image,
    topics,
    groupsSnapshot,
    defaultMinIsr: () => Number(topicConfigValues({}, layers())['min.insync.replicas']),
    diskSpace: () => host.disk.free(directory.folder),
    lagTimes: new LagTimes(partitions, () => clock.now()),
  });
  closing.push(() => gauges.close());
  clients.begin();
  let closed: Promise<void> | undefined;
  return {
    address,
    clusterId: first.clusterId,
    image,
    topics,
    groupsSnapshot,
    failedPartitions: () => partitions.failed(),
    // Where nothing was appended since room was made, the disk itself is asked.
    partitionsOutOfRoom: () => (host.disk.free(directory.folder).freeBytes < ROOM_BYTES ? partitions.outOfRoom() : []),
    close: () => (closed ??= closeAll(closing)),
  };
}

async function closeAll(closing: (() => unknown)[]): Promise<void> {
  for (const close of closing.toReversed()) await close();
}

/** Long polls end now, commits when they are durable, rebalances with a retriable error. */
async function farewell({ delayedFetches, delayedProduces, groups }: Services, clients: ClientListener): Promise<void> {
  const left = clients.close();
  delayedFetches.close();
  await groups.close();
  await left;
  delayedProduces.close();
}

async function register(
  host: Host,
  store: MetadataStore,
  config: BrokerConfig,
  listening: Address,
  partitions: LocalPartitions,
): Promise<void> {
  const { brokerId: id, rack, advertised } = config;
  const broker = { id, rack, host: advertised.host, port: advertised.port || listening.port };
  await partitions.apply(await patiently(host, () => store.commit(() => [{ type: 'broker-registered', broker }])));
}

/** Deletes what retention lets go, time after time. */
function keepRetention({ clock, logger }: Host, partitions: LocalPartitions, everyMs: number): Cancel {
  let cancel: Cancel;
  const round = (): Promise<void> =>
    severalAtOnce(RETENTIONS_AT_ONCE, partitions.all(), async (partition) => {
      const say = warn(logger, `retention of ${partition.topic}-${partition.index} failed`);
      await partition.applyRetention(clock.now()).catch((failure: unknown) => {
        if (!(failure instanceof LogFailed)) say(failure); // that one the log has said
      });
    });
  const later = (): void => {
    cancel = clock.after(everyMs, () => void round().then(later));
  };
  later();
  return () => cancel();
}

/** Starts without the database as soon as it is there: retried for ever, said once. */
async function patiently<T>({ clock, logger }: Host, attempt: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (failure) {
      if (!(failure instanceof StoreUnavailable || failure instanceof CoordinatorStoreUnavailable)) throw failure;
      if (tries === 0) logger.warn({ reason: failure.message }, 'the broker waits for its metadata store');
      await new Promise<void>((resolve) => clock.after(STORE_RETRY_MS, resolve));
    }
  }
}

const warn =
  (logger: Logger, message: string) =>
  (failure: unknown): void =>
    logger.error({ err: failure }, message);

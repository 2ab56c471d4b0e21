// A broker: opens its logs, loads its groups, serves clients. Plain objects from here down: whatever `new` can create
// can be simulated.
//
// Start: the folder's lock, metadata, the lease of the broker's id, its partitions to others until it serves again, logs
// (recovered), a new leader epoch where a log lost its tail (KIP-320), groups, the port, the registration; only then are
// clients read from. Stop: its partitions to others, no new clients, pending requests complete, logs are synced and
// closed, the lease is released. The caller owns the stores and closes them after the broker.
import { type Address, Background, type Host, retry } from '@milepost/core';
import {
  CoordinatorStoreUnavailable,
  type GroupStore,
  type ShareStateStore,
  type TransactionStore,
} from '@milepost/coordinators';
import { isUnclaimed, lockLogFolder } from '@milepost/log';
import {
  applied,
  type BrokerLeases,
  type ClusterImage,
  type Decide,
  logsLost,
  type MetadataStore,
  registered,
  restarted,
  StoreUnavailable,
  topicConfigValues,
  type TopicState,
} from '@milepost/metadata';
import { DatabaseMemory } from './admin/database-memory.ts';
import { Controller } from './parts/controller.ts';
import {
  type BrokerConfig,
  configLayers,
  isUncleanElectionAllowed,
  leaderRebalanceIntervalMs,
  settingsOf,
} from './broker-config.ts';
import { ClusterController } from './controller/cluster-controller.ts';
import { Closers } from './closers.ts';
import { Dispatcher } from './dispatch.ts';
import { Coordination } from './parts/coordination.ts';
import { TransactionCoordination } from './parts/transaction-coordination.ts';
import { handlers } from './handlers/index.ts';
import { joinCluster } from './membership/join.ts';
import { DatabaseRecovery } from './membership/database-recovery.ts';
import { judgeLogFolder } from './membership/log-folder.ts';
import { Registration } from './membership/registration.ts';
import { Clients } from './parts/clients.ts';
import { Storage } from './parts/storage.ts';
import { Sharing } from './share/sharing.ts';
import type { Services } from './services.ts';
import { BrokerGauges } from './telemetry/broker-gauges.ts';
import { LagTimes } from './telemetry/lag-times.ts';
import { type GroupSnapshot, groupSnapshots, type TopicSnapshot, topicSnapshots } from './telemetry/snapshots.ts';
import { isWithSasl, type SecurityProtocol } from './security/listeners.ts';
import { InterBroker } from './network/inter-broker.ts';
import { tlsOf } from './security/tls.ts';
import {
  checkExposure,
  checkInterBroker,
  isAuthenticated,
  PASSWORD_MECHANISMS,
  type PasswordMechanism,
} from './security/security-settings.ts';
import { usersAtStart } from './security/stored-users.ts';

const STORE_RETRY_MS = 1_000;

export interface BrokerStores {
  readonly metadata: MetadataStore;
  readonly groups: GroupStore;
  /** Over the same rows as `groups`. */
  readonly shares: ShareStateStore;
  readonly transactions: TransactionStore;
  readonly leases: BrokerLeases;
}

export interface Broker {
  /** The address of the first listener. */
  readonly address: Address;
  /** The addresses of all listeners, by their names. */
  readonly listeners: ReadonlyMap<string, Address>;
  readonly clusterId: string;
  /** Of the first listener. */
  readonly protocol: SecurityProtocol;
  /** How users with a password log in at the first listener, if it has SASL; the strongest last. */
  readonly mechanisms: readonly PasswordMechanism[];
  image(): ClusterImage;
  topics(): TopicSnapshot[];
  groupsSnapshot(): Promise<GroupSnapshot[]>;
  /** Partitions whose disk failed: they accept no records until a restart. */
  failedPartitions(): string[];
  /** Partitions without space on their disk. */
  partitionsOutOfRoom(): string[];
  /**
   * Names the process that is this broker now, once this one has lost its lease; this one serves nothing until a
   * restart.
   */
  fencedBy(): string | undefined;
  /** A second call waits for the first. @throws AggregateError with every failure, after everything is closed. */
  close(): Promise<void>;
}

/**
 * `aborted` ends a start that waits for a store, and closes what was opened.
 * @throws AddressInUse; LogDirectoryRefused: the folder cannot be used, and the message says why; BrokerIdInUse: another
 * process is this broker; the signal's reason.
 */
export async function createBroker(
  host: Host,
  stores: BrokerStores,
  config: BrokerConfig,
  aborted: AbortSignal = new AbortController().signal,
): Promise<Broker> {
  const closers = new Closers(host.logger);
  try {
    return await start(host, stores, config, closers, aborted);
  } catch (failure) {
    await closers.closeAll();
    throw failure;
  }
}

async function start(
  host: Host,
  stores: BrokerStores,
  config: BrokerConfig,
  closers: Closers,
  aborted: AbortSignal,
): Promise<Broker> {
  const { meter } = host;
  const { metadata } = stores;
  const background = new Background(host);
  const patiently = patience(host, aborted);
  const commit = (decide: Decide) => patiently(() => metadata.commit(decide));

  const lock = lockLogFolder(host.disk, config.dataDir);
  closers.add('the lock of the log folder', () => lock.release());
  const memory = new DatabaseMemory({ host, background, store: metadata, folder: config.dataDir });
  const opened = await patiently(() => metadata.open(memory.last));
  const layersOf = (of: ClusterImage) => configLayers(of, config);
  const settings = settingsOf(layersOf(opened), config);
  const { brokerId, dataDir } = config;
  const others = [...opened.brokers.keys()].filter((id) => id !== brokerId);
  checkExposure(settings.security, config.listen.host, config.allowAnonymous ?? true);
  checkInterBroker(settings.security, settings.authorizer, config.admin, others);
  const isFresh = isUnclaimed(host.disk, dataDir);
  const { membership, past, incarnation } = await joinCluster({
    host,
    leases: stores.leases,
    config,
    settings,
    registered: opened.brokers.get(brokerId),
    patiently,
    aborted,
  });
  closers.add('the lease of this broker', () => membership.leave());
  // The former holder of the lease may have registered, and led partitions, while this start waited for the lease. In a
  // cluster others lead its partitions until this one serves.
  const restartedIn = await commit((of) => restarted(of, brokerId));
  const folder = { path: dataDir, isUnclaimed: isFresh, past };
  const folderState = judgeLogFolder(folder, brokerId, restartedIn, config.acceptLostLog);
  // Before the folder is claimed: a start that ends here finds it as it was.
  const first = folderState === 'known' ? restartedIn : await commit((of) => logsLost(of, brokerId));
  const isUncleanAllowed = (topic: TopicState, of: ClusterImage) => isUncleanElectionAllowed(topic, of, config);
  const storage = await Storage.open(host, first, config, settings, lock);
  closers.add('the log directory', () => storage.close());
  closers.add('the memory of the database', () => memory.close());
  memory.begin();
  const wentBack = memory.notice(first);
  await storage.lead(first, commit, wentBack ? memory.latestLeaderEpoch : undefined);
  const { security } = settings;
  if (isAuthenticated(security)) {
    const image = await commit(await usersAtStart(first, config.admin, host));
    if (image.scramUsers.size === 0)
      host.logger.warn({}, 'no client can log in: set the password of an administrator (MILEPOST_ADMIN_PASSWORD_FILE)');
  }

  const { partitions } = storage;
  const image = (): ClusterImage => partitions.image;
  const layers = () => layersOf(image());

  const closing = new AbortController();
  const whileRunning = patience(host, closing.signal);
  const history: DatabaseRecovery = new DatabaseRecovery(image(), {
    clock: host.clock,
    brokerId,
    store: metadata,
    leases: stores.leases,
    registration: () => registration,
    patiently: whileRunning,
    sessionTimeoutMs: settings.sessionTimeoutMs,
    closing: closing.signal,
  });
  const registration: Registration = new Registration({
    store: metadata,
    membership,
    changesOf: (of, broker) => {
      const changes = registered({ image: of, isUncleanAllowed: (topic) => isUncleanAllowed(topic, of) }, broker);
      return [...changes, ...partitions.newEpochsAfterLoss(applied(of, changes))];
    },
    known: () => history.known,
    producerIdsEnd: () => memory.producerIdsEnd,
  });
  /** Restores what the database has lost before its image is served. */
  let recovery = Promise.resolve();
  async function recover(): Promise<void> {
    await history.run();
    const decide: Decide = (newest) => partitions.newEpochsAfterLoss(newest);
    await serve(await whileRunning(() => registration.commit(decide)));
  }
  async function serve(newer: ClusterImage): Promise<void> {
    history.see(newer);
    await memory.saveLeaderEpochs(newer);
    await partitions.apply(newer);
    storage.replication.imageServed();
  }
  async function apply(newer: ClusterImage): Promise<void> {
    history.see(newer);
    if (memory.notice(newer)) {
      cluster.databaseWentBack();
      transactional.databaseWentBack();
      recovery = recover();
      background.run('loading what coordinators know again', async () => {
        await recovery;
        await Promise.all([coordination.reload(), transactional.reload()]);
        memory.recovered();
      });
    }
    await recovery;
    await serve(newer);
    groups.topicsChanged();
    coordination.follow();
    transactional.follow();
    cluster.imageChanged(image());
  }
  /** Decides on the history that this broker serves. One that went back is recovered first. */
  async function commitServed(decide: Decide, controllerEpoch?: number): Promise<ClusterImage> {
    for (;;) {
      let isKnown = true;
      const committed = await registration.commit((of) => {
        isKnown = history.isKnown(of);
        return isKnown ? decide(of) : [];
      }, controllerEpoch);
      if (isKnown) return committed;
      await apply(committed);
    }
  }
  const cluster = new ClusterController({
    clock: host.clock,
    logger: host.logger,
    background,
    commit: commitServed,
    leases: stores.leases,
    brokerId,
    image,
    apply,
    isUncleanAllowed,
    sessionTimeoutMs: settings.sessionTimeoutMs,
    intervalMs: settings.heartbeatIntervalMs,
    rebalanceIntervalMs: () => leaderRebalanceIntervalMs(layers()),
  });
  const controller = new Controller({
    host,
    store: metadata,
    registration,
    commit: commitServed,
    memory,
    config,
    settings,
    background,
    image,
    layersOf,
    largestInLogs: () => partitions.largestProducerId(),
    apply,
  });
  const tls = tlsOf(host, security, config.readFile ?? noFiles);
  closers.add('the keys and certificates', () => tls?.close());
  const interBroker = new InterBroker({ host, settings: security, admin: config.admin, image, tls });
  const refresh = async (): Promise<void> => apply(await metadata.commit(() => []));
  const coordination = await Coordination.create({
    host,
    store: stores.groups,
    brokerId,
    partitions,
    settings,
    background,
    layers,
    patiently,
    refresh: async () => {
      if (image().brokers.size > 1) await refresh();
    },
  });
  const { groups, offsetsTopic } = coordination;
  closers.add('the group coordinator', () => coordination.close());
  const transactional = await TransactionCoordination.create({
    host,
    store: stores.transactions,
    brokerId,
    interBroker,
    partitions,
    offsets: groups,
    producerIds: controller.producerIds,
    settings,
    background,
    layers,
    patiently,
    refresh,
  });
  closers.add('the transaction coordinator', () => transactional.close());
  if (wentBack) {
    coordination.databaseWentBack();
    transactional.databaseWentBack();
  }
  const sharing = new Sharing({
    host,
    store: stores.shares,
    background,
    image,
    layers,
    unpacking: storage.unpacking,
    maxSessions: settings.maxShareSessions,
  });
  closers.add('the share partitions', () => sharing.close());
  const groupsSnapshot = (): Promise<GroupSnapshot[]> => groupSnapshots(groups, partitions);
  if (folderState !== 'known') {
    await coordination.loaded(aborted);
    const committed = (await groupsSnapshot()).flatMap(({ offsets }) => offsets);
    await storage.makeUpForLoss(committed, commit);
  }

  const clients = new Clients({ host, settings, image, layers, tls, readText: config.readText ?? noTexts });
  const apis = handlers.map(({ api }) => api);
  const services: Services = {
    host,
    config,
    settings,
    storage,
    controller,
    groups,
    sharing,
    offsetsTopic,
    transactions: transactional.coordinator,
    transactionStateTopic: transactional.stateTopic,
    transactionVerifier: transactional.verifier,
    markers: transactional.markers,
    clients,
    apis,
    image,
  };
  closers.add('the client listeners', () => sayGoodbye(services));
  const { listeners, advertised } = await clients.listen(config.listen, config.advertised, new Dispatcher(services));
  closers.add('the watch of the metadata', controller.follow());
  closers.add('the removal of expired tokens', controller.tokens.begin());
  closers.add('waits for the metadata store', () => closing.abort(new Error('the broker is closing')));
  membership.listensOn(advertised.port);
  if (membership.lostTo !== undefined) throw new Error(`stopped while starting: ${membership.lostTo}`);
  cluster.begin(await controller.register(advertised, incarnation, patiently));
  storage.replication.begin({
    host,
    settings,
    brokerId,
    registration,
    connectTo: (leader, options) => interBroker.connectTo(leader, options),
    commit: commitServed,
    image,
    apply,
    partitions: () => partitions.all(),
  });
  membership.onLost(() => {
    partitions.fence();
    background.run('ending the control of the cluster', () => cluster.close());
    background.run('closing the fetchers of a fenced broker', () => storage.replication.close());
    background.run('closing the transactions of a fenced broker', () => transactional.close());
    background.run('closing the groups of a fenced broker', () => coordination.close());
    background.run('closing the share partitions of a fenced broker', () => sharing.close());
  });
  closers.add('the upkeep of the logs', storage.startUpkeep(settings));

  const topics = (): TopicSnapshot[] => topicSnapshots(image(), partitions);
  const gauges = new BrokerGauges(meter, {
    brokerId: config.brokerId,
    image,
    topics,
    groupsSnapshot,
    defaultMinIsr: () => Number(topicConfigValues({}, layers())['min.insync.replicas']),
    diskSpace: () => storage.diskSpace(),
    lagTimes: new LagTimes(partitions, () => host.clock.now()),
  });
  closers.add('the gauges', () => gauges.close());
  closers.add('the control of the cluster', () => cluster.leave());
  aborted.throwIfAborted();
  clients.listener.begin();
  await Promise.all([coordination.loaded(aborted), transactional.loaded(aborted)]);
  if (wentBack) memory.recovered();

  return {
    address: listeners.get(security.listeners[0].name) as Address,
    listeners,
    clusterId: first.clusterId,
    protocol: security.listeners[0].protocol,
    mechanisms: isWithSasl(security.listeners[0])
      ? PASSWORD_MECHANISMS.filter((one) => security.mechanisms.includes(one))
      : [],
    image,
    topics,
    groupsSnapshot,
    failedPartitions: () => partitions.failed(),
    partitionsOutOfRoom: () => storage.partitionsOutOfRoom(),
    fencedBy: () => membership.lostTo,
    close: async () => {
      const failures = await closers.closeAll();
      if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('; '));
    },
  };
}

const noTexts = (url: string): Promise<never> =>
  Promise.reject(new Error(`${url}: this broker was given no way to read it`));

const noFiles = (path: string): never => {
  throw new Error(`${path}: this broker was given no way to read files`);
};

/** Long polls end now, commits when they are durable, rebalances with a retriable error. */
async function sayGoodbye({ storage, groups, transactions, clients }: Services): Promise<void> {
  const left = clients.close();
  storage.delayedFetches.close();
  await transactions.close();
  await groups.close();
  await left;
  storage.delayedProduces.close();
}

/** A start waits for its store until it succeeds or is aborted. One line logs the wait. */
function patience({ clock, logger }: Host, aborted: AbortSignal): <T>(attempt: () => Promise<T>) => Promise<T> {
  return (attempt) =>
    retry(attempt, {
      clock,
      pauseMs: STORE_RETRY_MS,
      signal: aborted,
      isRetriable: (failure) => failure instanceof StoreUnavailable || failure instanceof CoordinatorStoreUnavailable,
      onRetry: (failure, attempts) => {
        if (attempts === 1) logger.warn({ reason: (failure as Error).message }, 'waiting for the metadata store');
      },
    });
}

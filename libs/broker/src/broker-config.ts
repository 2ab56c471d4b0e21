// What a broker is configured with at its start, and the settings derived from it.
import type { Address, BrokerId, ReadText } from '@milepost/core';
import {
  type AssignorName,
  DEFAULT_GROUP_CONFIG,
  DEFAULT_TRANSACTION_CONFIG,
  type GroupConfig,
  MIGRATION_POLICIES,
  type MigrationPolicy,
  type TransactionConfig,
} from '@milepost/coordinators';
import {
  type BrokerConfigLayers,
  brokerConfigLayers,
  brokerFlag,
  brokerList,
  brokerNumber,
  brokerValue,
  type ClusterImage,
  type Configs,
  RACK_AWARE_SELECTOR,
  topicConfigValues,
  type TopicState,
} from '@milepost/metadata';
import { type ConnectionLimits, readOverrides } from './network/connection-quotas.ts';
import type { FetcherConfig, FlushPolicy } from '@milepost/replication';
import type { AuthorizerOptions } from '@milepost/security';
import type { CleanerSettings, LogDirectoryOptions } from '@milepost/log';
import type { Windows } from './quotas/rate.ts';
import { authorizerSettings } from './security/authorizer-settings.ts';
import { tokenSettings, type TokenSettings } from './security/delegation-tokens.ts';
import { type SecuritySettings, type ServerCertificate, securitySettings } from './security/security-settings.ts';
import type { Login } from './security/stored-users.ts';

export interface BrokerConfig {
  readonly brokerId: BrokerId;
  /** Identifies the machine, so that a copy of the folder on another machine is recognized. */
  readonly machine?: string;
  /** The folder of the logs; no other broker uses it. */
  readonly dataDir: string;
  /** The operator confirms that the logs of this registration, a broker epoch, are lost. */
  readonly acceptLostLog?: string;
  /** Port 0: any free one. */
  readonly listen: Address;
  /** The address that clients receive; port 0: the one that it listens on. */
  readonly advertised: Address;
  readonly rack: string | null;
  readonly flush: FlushPolicy;
  /** An administrator whose password this is from the start on. Absent: the stored users are the only ones. */
  readonly admin?: Login | undefined;
  /** Whether listeners may be reachable from other machines without authentication. Absent: they may. */
  readonly allowAnonymous?: boolean;
  /** Of listeners with TLS, unless ssl.keystore.location names another. */
  readonly certificate?: ServerCertificate | undefined;
  /** Reads a file of keys or certificates, which may be on a read-only volume. @throws the system's error */
  readonly readFile?: (path: string) => Buffer;
  /** Reads the keys of those who issue tokens. */
  readonly readText?: ReadText;
  /** Kafka's broker properties, as set at start; a missing one has Kafka's default. */
  readonly properties: Configs;
  readonly onProgress?: LogDirectoryOptions['onProgress'];
}

/** Properties that do not change while a broker runs, parsed. */
export interface BrokerSettings {
  readonly autoCreateTopics: boolean;
  readonly deleteTopics: boolean;
  readonly fetchMaxBytes: number;
  readonly fetchSessionSlots: number;
  readonly requestMaxBytes: number;
  readonly queuedRequestBytes: number;
  readonly queuedResponseBytes: number;
  readonly connectionsMaxIdleMs: number;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly retentionCheckIntervalMs: number;
  readonly quotaWindows: Windows;
  readonly controllerQuotaWindows: Windows;
  readonly telemetryMaxBytes: number;
  readonly security: SecuritySettings;
  /** Undefined: there are no delegation tokens. */
  readonly delegationTokens: TokenSettings | undefined;
  /** Undefined: there is no authorizer. */
  readonly authorizer: AuthorizerOptions | undefined;
  readonly replication: {
    /** replica.lag.time.max.ms */
    readonly lagTimeMs: number;
    /** replica.selector.class: consumers are sent to a follower in their rack (KIP-392). */
    readonly isRackAware: boolean;
    readonly fetcher: FetcherConfig;
  };
  /** group.share.max.share.sessions */
  readonly maxShareSessions: number;
  readonly groupShards: number;
  readonly groups: GroupConfig;
  readonly transactionShards: number;
  readonly transactions: TransactionConfig;
}

export const isUncleanElectionAllowed = (topic: TopicState, image: ClusterImage, config: BrokerConfig): boolean =>
  topicConfigValues(topic.configs, configLayers(image, config))['unclean.leader.election.enable'] === 'true';

/** Undefined while preferred leaders are not restored. */
export const leaderRebalanceIntervalMs = (layers: BrokerConfigLayers): number | undefined =>
  brokerFlag(layers, 'auto.leader.rebalance.enable')
    ? brokerNumber(layers, 'leader.imbalance.check.interval.seconds') * 1_000
    : undefined;

/** Every source of a property's value, highest precedence first. */
export const configLayers = (image: ClusterImage, config: BrokerConfig): BrokerConfigLayers =>
  brokerConfigLayers(image, config.brokerId, {
    'node.id': String(config.brokerId),
    'broker.id': String(config.brokerId),
    'log.dirs': config.dataDir,
    ...(config.rack === null ? {} : { 'broker.rack': config.rack }),
    ...config.properties,
  });

/** Kafka also takes class names of assignors; those are not supported. */
function assignorsNamed(names: readonly string[]): readonly AssignorName[] {
  const known = names.filter((name): name is AssignorName => name === 'uniform' || name === 'range');
  return known.length > 0 ? known : DEFAULT_GROUP_CONFIG.consumerAssignors;
}

const migrationPolicyNamed = (name: string): MigrationPolicy =>
  MIGRATION_POLICIES.find((policy) => policy === name.toLowerCase()) ?? DEFAULT_GROUP_CONFIG.migrationPolicy;

export const connectionLimitsOf = (layers: BrokerConfigLayers): ConnectionLimits => ({
  total: brokerNumber(layers, 'max.connections'),
  perIp: brokerNumber(layers, 'max.connections.per.ip'),
  perIpOverrides: readOverrides(brokerList(layers, 'max.connections.per.ip.overrides')),
});

/** @throws SecuritySettingsRefused */
export function settingsOf(
  layers: BrokerConfigLayers,
  { admin, certificate }: Pick<BrokerConfig, 'admin' | 'certificate'>,
): BrokerSettings {
  const number = (name: string): number => brokerNumber(layers, name);
  const windows = (name: string): Windows => ({
    count: number(`${name}.num`),
    sizeMs: number(`${name}.size.seconds`) * 1_000,
  });
  return {
    autoCreateTopics: brokerFlag(layers, 'auto.create.topics.enable'),
    deleteTopics: brokerFlag(layers, 'delete.topic.enable'),
    fetchMaxBytes: number('fetch.max.bytes'),
    fetchSessionSlots: number('max.incremental.fetch.session.cache.slots'),
    requestMaxBytes: number('socket.request.max.bytes'),
    queuedRequestBytes: number('queued.max.request.bytes'),
    queuedResponseBytes: number('queued.max.response.bytes'),
    connectionsMaxIdleMs: number('connections.max.idle.ms'),
    sessionTimeoutMs: number('broker.session.timeout.ms'),
    heartbeatIntervalMs: number('broker.heartbeat.interval.ms'),
    retentionCheckIntervalMs: number('log.retention.check.interval.ms'),
    quotaWindows: windows('quota.window'),
    controllerQuotaWindows: windows('controller.quota.window'),
    telemetryMaxBytes: number('telemetry.max.bytes'),
    security: securitySettings(layers, certificate),
    delegationTokens: tokenSettings(layers),
    authorizer: authorizerSettings(layers, admin?.username),
    replication: {
      lagTimeMs: number('replica.lag.time.max.ms'),
      isRackAware: brokerValue(layers, 'replica.selector.class') === RACK_AWARE_SELECTOR,
      fetcher: {
        maxWaitMs: number('replica.fetch.wait.max.ms'),
        minBytes: number('replica.fetch.min.bytes'),
        responseMaxBytes: number('replica.fetch.response.max.bytes'),
        partitionMaxBytes: number('replica.fetch.max.bytes'),
        backoffMs: number('replica.fetch.backoff.ms'),
        socketTimeoutMs: number('replica.socket.timeout.ms'),
      },
    },
    maxShareSessions: number('group.share.max.share.sessions'),
    groupShards: number('offsets.topic.num.partitions'),
    transactionShards: number('transaction.state.log.num.partitions'),
    transactions: {
      ...DEFAULT_TRANSACTION_CONFIG,
      maxTimeoutMs: number('transaction.max.timeout.ms'),
      idExpirationMs: number('transactional.id.expiration.ms'),
      abortTimedOutIntervalMs: number('transaction.abort.timed.out.transaction.cleanup.interval.ms'),
      removeExpiredIntervalMs: number('transaction.remove.expired.transaction.cleanup.interval.ms'),
    },
    groups: {
      ...DEFAULT_GROUP_CONFIG,
      minSessionTimeoutMs: number('group.min.session.timeout.ms'),
      maxSessionTimeoutMs: number('group.max.session.timeout.ms'),
      initialRebalanceDelayMs: number('group.initial.rebalance.delay.ms'),
      maxSize: number('group.max.size'),
      offsetMetadataMaxBytes: number('offset.metadata.max.bytes'),
      offsetsRetentionMinutes: number('offsets.retention.minutes'),
      offsetsRetentionCheckIntervalMs: number('offsets.retention.check.interval.ms'),
      offsetsCommitTimeoutMs: number('offsets.commit.timeout.ms'),
      consumerSessionTimeoutMs: number('group.consumer.session.timeout.ms'),
      consumerHeartbeatIntervalMs: number('group.consumer.heartbeat.interval.ms'),
      consumerMaxSize: number('group.consumer.max.size'),
      consumerAssignmentIntervalMs: number('group.consumer.assignment.interval.ms'),
      shareSessionTimeoutMs: number('group.share.session.timeout.ms'),
      shareHeartbeatIntervalMs: number('group.share.heartbeat.interval.ms'),
      shareMaxSize: number('group.share.max.size'),
      shareAssignmentIntervalMs: number('group.share.assignment.interval.ms'),
      migrationPolicy: migrationPolicyNamed(brokerValue(layers, 'group.consumer.migration.policy') ?? ''),
      consumerAssignors: assignorsNamed(brokerList(layers, 'group.consumer.assignors')),
    },
  };
}

/** The current values: all but the switch itself may change while the broker runs. */
export const cleanerSettings = (layers: BrokerConfigLayers): CleanerSettings => ({
  isEnabled: brokerFlag(layers, 'log.cleaner.enable'),
  backoffMs: brokerNumber(layers, 'log.cleaner.backoff.ms'),
  mapBytes: brokerNumber(layers, 'log.cleaner.dedupe.buffer.size'),
  mapLoadFactor: brokerNumber(layers, 'log.cleaner.io.buffer.load.factor'),
  bytesPerSecond: brokerNumber(layers, 'log.cleaner.io.max.bytes.per.second'),
});

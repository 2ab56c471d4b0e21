// What handlers are given: the broker's parts, and who asks. Handlers keep nothing between requests.
import type { ErrorCode, Host } from '@milepost/core';
import type { GroupCoordinator } from '@milepost/coordinators';
import type { ClusterImage } from '@milepost/metadata';
import type { AnyApi } from '@milepost/wire';
import type { Peer } from './network/connection.ts';
import type { BrokerConfig, BrokerSettings } from './broker-config.ts';
import type { ClientTelemetry } from './admin/client-telemetry.ts';
import type { ClusterAdmin } from './admin/cluster-admin.ts';
import type { ConfigAdmin } from './admin/config-admin.ts';
import type { FetchSessionCache } from './fetch-sessions/fetch-session-cache.ts';
import type { LogLevel } from './admin/log-level.ts';
import type { LocalPartitions } from './partitions/local-partitions.ts';
import type { OffsetsTopic } from './groups/offsets-topic.ts';
import type { MemoryBudget } from './network/memory-budget.ts';
import type { ProducerIds } from './admin/producer-ids.ts';
import type { Purgatory } from './partitions/purgatory.ts';
import type { Unpacking } from './partitions/unpacking.ts';
import type { QuotaClient } from './quotas/limits.ts';
import type { Quotas } from './quotas/quotas.ts';
import type { BufferPool } from './network/buffer-pool.ts';
import type { TopicAdmin } from './admin/topic-admin.ts';
import type { TopicTraffic } from './telemetry/topic-traffic.ts';

export interface Services {
  readonly host: Host;
  readonly config: BrokerConfig;
  readonly settings: BrokerSettings;
  readonly partitions: LocalPartitions;
  readonly delayedProduces: Purgatory;
  readonly delayedFetches: Purgatory;
  readonly unpacking: Unpacking;
  readonly fetchSessions: FetchSessionCache;
  readonly buffers: BufferPool;
  readonly memory: MemoryBudget;
  readonly groups: GroupCoordinator;
  readonly offsetsTopic: OffsetsTopic;
  readonly topics: TopicAdmin;
  readonly configs: ConfigAdmin;
  readonly logLevel: LogLevel;
  readonly cluster: ClusterAdmin;
  readonly quotas: Quotas;
  readonly telemetry: ClientTelemetry;
  readonly producerIds: ProducerIds;
  readonly traffic: TopicTraffic;
  /** What this broker has handlers for, hence advertises. */
  readonly apis: readonly AnyApi[];
  /** The newest image that this broker serves. */
  image(): ClusterImage;
}

export interface Context {
  readonly services: Services;
  readonly apiVersion: number;
  /** '' for a client that does not name itself. */
  readonly clientId: string;
  readonly peer: Peer;
  /** As quotas know the client. */
  readonly quotaClient: QuotaClient;
  /** A quota holds the client back: the answer says for how long, then the connection is not read from (KIP-219). */
  readonly throttle: (throttleMs: number) => void;
  /** Calls `run` once, when the system has taken this request's answer or nobody will. Not for `none` and `close`. */
  readonly whenTaken: (run: () => void) => void;
  /** Counts an error that goes out; NONE is none. */
  readonly count: (error: ErrorCode) => void;
}

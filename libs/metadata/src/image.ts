// The cluster's metadata at one version: immutable, shared by all readers. A change makes a new image.
import { type BrokerId, NO_BROKER, type Uuid } from '@milepost/core';
import type { BrokerState } from './broker-state.ts';
import type { ClientQuota } from './client-quota.ts';
import type { DelegationToken } from './delegation-token.ts';
import { FIRST_LINEAGE, type Origin } from './origin.ts';
import type { ScramCredentials } from './scram-user.ts';
import type { StoredAcl } from './stored-acl.ts';
import type { Configs, TopicState } from './topic-state.ts';

/** The broker that watches the others: it declares them gone, elects leaders and completes reassignments. */
export interface ControllerState {
  /** NO_BROKER before the first, and after one has resigned. */
  readonly id: BrokerId;
  /** Grows with each election of a controller: what a deposed one decides is refused. */
  readonly epoch: number;
}

export interface ClusterImage {
  /** The history that this version belongs to. */
  readonly origin: Origin;
  /** Grows with every commit. Whatever the database does, a store uses no version twice. */
  readonly version: number;
  /** 22 characters, as Kafka writes it to meta.properties. */
  readonly clusterId: string;
  readonly controller: ControllerState;
  /** All that are registered, fenced ones included. */
  readonly brokers: ReadonlyMap<BrokerId, BrokerState>;
  readonly topics: ReadonlyMap<string, TopicState>;
  readonly topicsById: ReadonlyMap<Uuid, TopicState>;
  /** Dynamic broker configs; the key '' holds the cluster-wide defaults. */
  readonly brokerConfigs: ReadonlyMap<string, Configs>;
  /** Dynamic configs of groups, by group id; a group need not exist to have some. */
  readonly groupConfigs: ReadonlyMap<string, Configs>;
  /** Subscriptions to clients' metrics (KIP-714), by their names. */
  readonly clientMetricsConfigs: ReadonlyMap<string, Configs>;
  /** By `quotaKey` of their entities. */
  readonly clientQuotas: ReadonlyMap<string, ClientQuota>;
  /** The credentials of users that log in with SCRAM or PLAIN, by name. */
  readonly scramUsers: ReadonlyMap<string, ScramCredentials>;
  /** Derives the salts of names that nobody has, alike on every broker. Null until a broker authenticates clients. */
  readonly decoySecret: string | null;
  /** Without two equal ones. The same map is the same list. */
  readonly acls: ReadonlyMap<Uuid, StoredAcl>;
  /** By id; those that have expired too, until they are removed. */
  readonly delegationTokens: ReadonlyMap<string, DelegationToken>;
}

/** A cluster's first image: it has nothing but its id. */
export const emptyImage = (clusterId: string): ClusterImage => ({
  origin: { systemId: '', timeline: 0, lineage: FIRST_LINEAGE },
  version: 0,
  clusterId,
  controller: { id: NO_BROKER, epoch: 0 },
  brokers: new Map(),
  topics: new Map(),
  topicsById: new Map(),
  brokerConfigs: new Map(),
  groupConfigs: new Map(),
  clientMetricsConfigs: new Map(),
  clientQuotas: new Map(),
  scramUsers: new Map(),
  decoySecret: null,
  acls: new Map(),
  delegationTokens: new Map(),
});

export const OFFSETS_TOPIC = '__consumer_offsets';
export const TRANSACTION_STATE_TOPIC = '__transaction_state';

export const isInternalTopic = (name: string): boolean => name === OFFSETS_TOPIC || name === TRANSACTION_STATE_TOPIC;

/** Registered, and not fenced: it may lead, join an ISR, and clients are sent to it. */
export const isAlive = ({ brokers }: Pick<ClusterImage, 'brokers'>, id: BrokerId): boolean =>
  brokers.get(id)?.isFenced === false;

export const aliveBrokers = ({ brokers }: Pick<ClusterImage, 'brokers'>): BrokerState[] =>
  [...brokers.values()].filter(({ isFenced }) => !isFenced);

/** NO_BROKER while there is none that is alive. */
export const livingController = (image: Pick<ClusterImage, 'brokers' | 'controller'>): BrokerId =>
  isAlive(image, image.controller.id) ? image.controller.id : NO_BROKER;

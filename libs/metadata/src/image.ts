// The cluster's metadata at one version: immutable, shared by all readers. A change makes a new image.
import { type Address, type BrokerId, type LeaderEpoch, NO_BROKER, type Uuid } from '@milepost/core';
import type { ClientQuota } from './client-quota.ts';
import { FIRST_LINEAGE, type Origin } from './origin.ts';
import type { ScramCredentials } from './scram-user.ts';
import type { StoredAcl } from './stored-acl.ts';

export interface BrokerState {
  readonly id: BrokerId;
  /**
   * The image's version at its registration, hence unique: it distinguishes a deposed incarnation from the current one.
   */
  readonly epoch: number;
  /** The life of the process that registered. Null: a version registered it that did not record that. */
  readonly incarnation: Uuid | null;
  /** The advertised address. */
  readonly host: string;
  readonly port: number;
  /** The advertised addresses by listener. Absent: an earlier build registered it, which has the one above. */
  readonly listeners?: Readonly<Record<string, Address>>;
  readonly rack: string | null;
  /**
   * Its lease has ended, or it has left, or its new life is not ready yet. It becomes neither a leader nor a member of an ISR,
   * and clients are not sent to it. It unfences itself when it serves.
   */
  readonly isFenced: boolean;
  /**
   * The history of the database in which it registered (`historyOf`). A broker restores what it remembers of the history
   * before with its registration in the next one. Null: an earlier build registered it.
   */
  readonly history: string | null;
}

/** The broker that watches the others: it declares them gone, elects leaders and completes reassignments. */
export interface ControllerState {
  /** NO_BROKER before the first, and after one has resigned. */
  readonly id: BrokerId;
  /** Grows with each election of a controller: what a deposed one decides is refused. */
  readonly epoch: number;
}

export interface PartitionState {
  readonly index: number;
  readonly replicas: readonly BrokerId[];
  readonly isr: readonly BrokerId[];
  /** NO_BROKER while there is no leader. */
  readonly leader: BrokerId;
  readonly leaderEpoch: LeaderEpoch;
  /** Grows with every change of this row: the compare in compare-and-set. */
  readonly partitionEpoch: number;
  /** While replicas are reassigned: those of `replicas` that are new, and those that leave in the end. Else absent. */
  readonly addingReplicas?: readonly BrokerId[];
  readonly removingReplicas?: readonly BrokerId[];
}

/** Of two states of one partition in one history. */
export const isLater = (one: PartitionState, other: PartitionState): boolean =>
  one.leaderEpoch > other.leaderEpoch ||
  (one.leaderEpoch === other.leaderEpoch && one.partitionEpoch > other.partitionEpoch);

export type Configs = Readonly<Record<string, string>>;

export interface TopicState {
  readonly id: Uuid;
  readonly name: string;
  /** Only what was set for this topic, by Kafka's property names. */
  readonly configs: Configs;
  /** By index, without gaps. */
  readonly partitions: readonly PartitionState[];
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

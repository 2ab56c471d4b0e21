// Every kind of change to the cluster's metadata. `applied` is the only way an image changes.
import type { BrokerId, Uuid } from '@milepost/core';
import type { ClientQuota } from './client-quota.ts';
import type { BrokerState } from './broker-state.ts';
import type { DelegationToken } from './delegation-token.ts';
import type { Configs, PartitionState, TopicState } from './topic-state.ts';
import type { ScramCredentials } from './scram-user.ts';
import type { StoredAcl } from './stored-acl.ts';

export type BrokerRegistration = Omit<BrokerState, 'epoch' | 'isFenced' | 'history'>;

export type MetadataChange =
  /** By every start of a broker. The store fills in `epoch`, the version of the new image, and `history`. It is not fenced any more. */
  | { readonly type: 'broker-registered'; readonly broker: BrokerRegistration }
  /** Conflict: it is not registered. */
  | { readonly type: 'broker-fencing-changed'; readonly id: BrokerId; readonly isFenced: boolean }
  /** Conflict: it is not registered. */
  | { readonly type: 'broker-removed'; readonly id: BrokerId }
  /** NO_BROKER: the controller resigns. Conflict: the epoch is not beyond the present one. */
  | { readonly type: 'controller-elected'; readonly id: BrokerId; readonly epoch: number }
  /** Conflict: the name or the id exists. */
  | { readonly type: 'topic-created'; readonly topic: TopicState }
  /** Conflict: no such id. */
  | { readonly type: 'topic-deleted'; readonly id: Uuid }
  /** Conflict: `partitions` do not continue the topic's indexes. */
  | { readonly type: 'partitions-added'; readonly id: Uuid; readonly partitions: readonly PartitionState[] }
  /** Conflict: the stored partitionEpoch is not `partition.partitionEpoch - 1`. */
  | { readonly type: 'partition-changed'; readonly id: Uuid; readonly partition: PartitionState }
  /** A later state, which the database had and lost. Conflict: the stored one is not an earlier one. */
  | { readonly type: 'partition-restored'; readonly id: Uuid; readonly partition: PartitionState }
  /** Replaces all of the topic's configs. */
  | { readonly type: 'topic-configured'; readonly id: Uuid; readonly configs: Configs }
  /** Replaces all dynamic configs of one broker, or of all ('' as id); an empty set removes the entry. */
  | { readonly type: 'broker-configured'; readonly id: string; readonly configs: Configs }
  /** Replaces all dynamic configs of a group; an empty set removes the entry. */
  | { readonly type: 'group-configured'; readonly groupId: string; readonly configs: Configs }
  /** Replaces a subscription to clients' metrics; an empty set removes it. */
  | { readonly type: 'client-metrics-configured'; readonly name: string; readonly configs: Configs }
  /** Replaces all quotas of one entity; an empty set removes the entry. */
  | { readonly type: 'client-quota-set'; readonly quota: ClientQuota }
  /** Replaces all credentials of a user; an empty set removes the user. */
  | { readonly type: 'scram-user-set'; readonly name: string; readonly credentials: ScramCredentials }
  /** Conflict: there is one. */
  | { readonly type: 'decoy-secret-set'; readonly secret: string }
  /** Conflict: the id exists. */
  | { readonly type: 'acl-created'; readonly id: Uuid; readonly acl: StoredAcl }
  /** Conflict: no such id. */
  | { readonly type: 'acl-deleted'; readonly id: Uuid }
  /** Replaces a token of the same id. */
  | { readonly type: 'delegation-token-set'; readonly token: DelegationToken }
  /** Conflict: no such id. */
  | { readonly type: 'delegation-token-removed'; readonly id: string }
  /** Only stores make it, when the database went back: the origin gets this lineage, and the version passes `beyond`. */
  | { readonly type: 'lineage-started'; readonly lineage: Uuid; readonly beyond: number };

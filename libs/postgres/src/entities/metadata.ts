// The cluster's metadata as rows. Only postgres-metadata-store.ts reads and writes them.
import type { Address } from '@milepost/core';
import type { ScramCredentials } from '@milepost/metadata';
import { Check, Column, Entity, JoinColumn, ManyToOne, OneToMany, PrimaryColumn, type Relation, Unique } from 'typeorm';
import { exactNumber } from './columns.ts';

/** One row: the cluster's id, from its first start on. */
@Entity('cluster')
@Check('cluster_one_row', '"id" = 1')
export class ClusterRow {
  @PrimaryColumn('smallint', { primaryKeyConstraintName: 'cluster_pkey' }) id!: number;
  @Column('text', { name: 'cluster_id' }) clusterId!: string;
}

/** One row, locked by every commit: it puts commits in order, and one look at it shows whether there is a newer one. */
@Entity('metadata_version')
@Check('metadata_version_one_row', '"id" = 1')
export class MetadataVersionRow {
  @PrimaryColumn('smallint', { primaryKeyConstraintName: 'metadata_version_pkey' }) id!: number;
  @Column('bigint', { transformer: exactNumber }) version!: number;
  /** Replaced whenever the database was found older than what had been seen of it. */
  @Column('text', { default: 'first' }) lineage!: string;
}

/** The changes of the commit that made a version; null if they are too large. The oldest rows are deleted. */
@Entity('metadata_changes')
export class MetadataChangesRow {
  @PrimaryColumn('bigint', { primaryKeyConstraintName: 'metadata_changes_pkey', transformer: exactNumber })
  version!: number;
  @Column('json', { nullable: true }) changes!: object | null;
}

@Entity('brokers')
export class BrokerRow {
  @PrimaryColumn('int', { primaryKeyConstraintName: 'brokers_pkey' }) id!: number;
  @Column('bigint', { transformer: exactNumber }) epoch!: number;
  @Column('text') host!: string;
  @Column('int') port!: number;
  @Column('text', { nullable: true }) rack!: string | null;
  /** The life of the process that registered. */
  @Column('uuid', { nullable: true }) incarnation!: string | null;
  @Column('boolean', { name: 'is_fenced', default: false }) isFenced!: boolean;
  /** Of the database, when it registered. */
  @Column('text', { nullable: true }) history!: string | null;
  /** The advertised addresses by listener. */
  @Column('jsonb', { nullable: true }) listeners!: Record<string, Address> | null;
}

/** One row: which broker is the controller, and in which epoch. */
@Entity('controller')
@Check('controller_one_row', '"id" = 1')
export class ControllerRow {
  @PrimaryColumn('smallint', { primaryKeyConstraintName: 'controller_pkey' }) id!: number;
  @Column('int', { name: 'broker_id' }) brokerId!: number;
  @Column('int') epoch!: number;
}

/** Which process is the live owner of a broker id. Only postgres-broker-leases.ts reads and writes it. */
@Entity('broker_leases')
export class BrokerLeaseRow {
  @PrimaryColumn('int', { name: 'broker_id', primaryKeyConstraintName: 'broker_leases_pkey' }) brokerId!: number;
  @Column('uuid') incarnation!: string;
  @Column('text') host!: string;
  @Column('int') port!: number;
  @Column('text') place!: string;
  @Column('bigint', { transformer: exactNumber }) epoch!: number;
  @Column('timestamptz') since!: Date;
  @Column('timestamptz', { name: 'lease_until' }) leaseUntil!: Date;
}

@Entity('topics')
@Unique('topics_name_key', ['name'])
export class TopicRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'topics_pkey' }) id!: string;
  @Column('text') name!: string;
  @Column('jsonb') configs!: Record<string, string>;
  @OneToMany('PartitionRow', 'topic') partitions!: Relation<PartitionRow[]>;
}

@Entity('partitions')
export class PartitionRow {
  @PrimaryColumn('uuid', { name: 'topic_id', primaryKeyConstraintName: 'partitions_pkey' }) topicId!: string;
  @PrimaryColumn('int', { primaryKeyConstraintName: 'partitions_pkey' }) index!: number;
  @Column('int', { array: true }) replicas!: number[];
  @Column('int', { array: true }) isr!: number[];
  @Column('int') leader!: number;
  @Column('int', { name: 'leader_epoch' }) leaderEpoch!: number;
  @Column('int', { name: 'partition_epoch' }) partitionEpoch!: number;
  /** Both empty unless replicas are being reassigned. */
  @Column('int', { name: 'adding_replicas', array: true, default: [] }) addingReplicas!: number[];
  @Column('int', { name: 'removing_replicas', array: true, default: [] }) removingReplicas!: number[];
  @ManyToOne('TopicRow', 'partitions', { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'topic_id', foreignKeyConstraintName: 'partitions_topic_id_fkey' })
  topic!: Relation<TopicRow>;
}

/** Dynamic broker configs; the id '' holds those of all brokers. */
@Entity('broker_configs')
export class BrokerConfigRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'broker_configs_pkey' }) id!: string;
  @Column('jsonb') configs!: Record<string, string>;
}

/** Dynamic configs of a group, whether the group exists or not. */
@Entity('group_configs')
export class GroupConfigRow {
  @PrimaryColumn('text', { name: 'group_id', primaryKeyConstraintName: 'group_configs_pkey' }) groupId!: string;
  @Column('jsonb') configs!: Record<string, string>;
}

/** Subscriptions to clients' metrics. */
@Entity('client_metrics_configs')
export class ClientMetricsConfigRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'client_metrics_configs_pkey' }) name!: string;
  @Column('jsonb') configs!: Record<string, string>;
}

/** The entity is the JSON text of its types and names, in one fixed order. */
@Entity('client_quotas')
export class ClientQuotaRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'client_quotas_pkey' }) entity!: string;
  @Column('jsonb') quotas!: Record<string, number>;
}

/** Of each password only what SCRAM needs (RFC 5802). */
@Entity('scram_users')
export class ScramUserRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'scram_users_pkey' }) name!: string;
  @Column('jsonb') credentials!: ScramCredentials;
}

/** No row until a broker authenticates clients. */
@Entity('decoy_secret')
@Check('decoy_secret_one_row', '"id" = 1')
export class DecoySecretRow {
  @PrimaryColumn('smallint', { primaryKeyConstraintName: 'decoy_secret_pkey' }) id!: number;
  @Column('text') secret!: string;
}

/** Codes are Kafka's. */
@Entity('acls')
export class AclRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'acls_pkey' }) id!: string;
  @Column('smallint', { name: 'resource_type' }) resourceType!: number;
  @Column('text', { name: 'resource_name' }) resourceName!: string;
  @Column('smallint', { name: 'pattern_type' }) patternType!: number;
  @Column('text') principal!: string;
  @Column('text') host!: string;
  @Column('smallint') operation!: number;
  @Column('smallint') permission!: number;
}

/** Of each token only what SCRAM needs, and a digest: its HMAC follows from a key that is not stored here. */
@Entity('delegation_tokens')
export class DelegationTokenRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'delegation_tokens_pkey' }) id!: string;
  @Column('text') owner!: string;
  @Column('text') requester!: string;
  @Column('text', { array: true }) renewers!: string[];
  @Column('bigint', { name: 'issued_at_ms' }) issuedAtMs!: string;
  @Column('bigint', { name: 'expires_at_ms' }) expiresAtMs!: string;
  @Column('bigint', { name: 'ends_at_ms' }) endsAtMs!: string;
  @Column('text') digest!: string;
  @Column('jsonb') credentials!: ScramCredentials;
}

/** One row: the first producer id that was not handed out. */
@Entity('producer_id_blocks')
@Check('producer_id_blocks_one_row', '"id" = 1')
export class ProducerIdRow {
  @PrimaryColumn('smallint', { primaryKeyConstraintName: 'producer_id_blocks_pkey' }) id!: number;
  @Column('bigint', { name: 'next_producer_id' }) nextProducerId!: string;
}

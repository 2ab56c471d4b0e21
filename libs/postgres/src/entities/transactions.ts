// Transactions as rows. Only postgres-transaction-store.ts reads and writes them, in raw SQL.
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { exactNumber } from './columns.ts';

/** A partition of `__transaction_state`: its owner has raised the epoch, and no other process's writes count. */
@Entity('transaction_shards')
export class TransactionShardRow {
  @PrimaryColumn('int', { primaryKeyConstraintName: 'transaction_shards_pkey' }) shard!: number;
  @Column('int') epoch!: number;
  /** The leadership of its partition that it was last acquired under; -1: none. */
  @Column('uuid', { name: 'topic_id', nullable: true }) topicId!: string | null;
  @Column('int', { name: 'leader_epoch', default: -1 }) leaderEpoch!: number;
}

@Entity('transactions')
@Index('transactions_shard_idx', ['shard'])
export class TransactionRow {
  @PrimaryColumn('text', { name: 'transactional_id', primaryKeyConstraintName: 'transactions_pkey' })
  transactionalId!: string;
  @Column('int') shard!: number;
  @Column('text') state!: string;
  /** Opaque to us, and up to 63 bits wide: text, as pg reads it. */
  @Column('bigint', { name: 'producer_id' }) producerId!: string;
  @Column('bigint', { name: 'previous_producer_id' }) previousProducerId!: string;
  @Column('bigint', { name: 'next_producer_id' }) nextProducerId!: string;
  @Column('int', { name: 'producer_epoch' }) producerEpoch!: number;
  @Column('int', { name: 'last_producer_epoch' }) lastProducerEpoch!: number;
  @Column('int', { name: 'timeout_ms' }) timeoutMs!: number;
  @Column('json') partitions!: unknown;
  @Column('bigint', { name: 'started_at_ms', transformer: exactNumber }) startedAtMs!: number;
  @Column('bigint', { name: 'updated_at_ms', transformer: exactNumber }) updatedAtMs!: number;
  @Column('int', { name: 'client_version' }) clientVersion!: number;
}

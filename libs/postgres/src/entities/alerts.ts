// The notifications' own tables: rules, truck states, alerts, pending deliveries. The progress through `truck_gps` is
// beside them, so that one transaction changes all. Only postgres-alert-store.ts touches them, and postgres-rule-store.ts the rules.
import type { Alert, RuleDraft, TruckState } from '@milepost/alerts';
import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { exactNumber } from './columns.ts';

@Entity('rules')
export class RuleRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'rules_pkey' }) id!: string;
  /** json, not jsonb, here and below: it preserves the order of the fields and the digits of the numbers. */
  @Column('json') rule!: RuleDraft;
  /** That of the change which made it. */
  @Column('bigint', { default: 0, transformer: exactNumber }) version!: number;
}

/** One row, which each change of a rule locks: a process that compares its version misses none. */
@Entity('rule_changes')
@Check('rule_changes_one_row', '"id" = 1')
export class RuleChangesRow {
  @PrimaryColumn('smallint', { primaryKeyConstraintName: 'rule_changes_pkey' }) id!: number;
  @Column('bigint', { transformer: exactNumber }) version!: number;
}

/** The offset in a partition of `truck_gps` up to which states and alerts are valid. */
@Entity('rule_progress')
export class RuleProgressRow {
  @PrimaryColumn('int', { primaryKeyConstraintName: 'rule_progress_pkey' }) partition!: number;
  @Column('bigint', { name: 'next_offset', transformer: exactNumber }) nextOffset!: number;
}

@Entity('truck_states')
@Index('truck_states_partition_idx', ['partition'])
export class TruckStateRow {
  @PrimaryColumn('text', { name: 'truck_id', primaryKeyConstraintName: 'truck_states_pkey' }) truckId!: string;
  @Column('int') partition!: number;
  @Column('json') state!: TruckState;
}

@Entity('alerts')
@Index('alerts_raised_at_idx', ['raisedAt'])
export class AlertRow {
  @PrimaryColumn('text', { name: 'alert_id', primaryKeyConstraintName: 'alerts_pkey' }) alertId!: string;
  @Column('timestamptz', { name: 'raised_at' }) raisedAt!: Date;
  @Column('json') alert!: Alert;
}

/** A row is deleted when its alert has arrived. */
@Entity('deliveries')
@Index('deliveries_due_idx', ['dueAtMs'])
export class DeliveryRow {
  @PrimaryColumn('text', { name: 'alert_id', primaryKeyConstraintName: 'deliveries_pkey' }) alertId!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'deliveries_pkey' }) channel!: string;
  @Column('int') attempts!: number;
  @Column('bigint', { name: 'due_at_ms', transformer: exactNumber }) dueAtMs!: number;
  @Column('text', { name: 'last_error', nullable: true }) lastError!: string | null;
}

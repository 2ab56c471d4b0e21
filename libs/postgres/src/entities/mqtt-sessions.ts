// What outlives a gateway of its MQTT sessions. Only postgres-session-store.ts touches these tables.
import type { MessageState, StoredSubscription, StoredWill } from '@milepost/ingress';
import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { exactNumber } from './columns.ts';

@Entity('mqtt_sessions')
@Index('mqtt_sessions_gateway_idx', ['gateway'])
@Index('mqtt_sessions_acquired_from_idx', ['acquiredFrom'], { where: 'acquired_from IS NOT NULL' })
export class MqttSessionRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'mqtt_sessions_pkey', collation: 'C' }) id!: string;
  @Column('integer') gateway!: number;
  /** The gateway that held it before, until that one has noticed. */
  @Column('integer', { name: 'acquired_from', nullable: true }) acquiredFrom!: number | null;
  @Column('jsonb') subscriptions!: readonly StoredSubscription[];
  @Column('integer', { array: true }) unreleased!: number[];
  @Column('bigint', { name: 'expiry_ms', transformer: exactNumber }) expiryMs!: number;
  @Column('timestamptz', { name: 'left_at', nullable: true }) leftAt!: Date | null;
}

@Entity('mqtt_queued_messages')
@Check('mqtt_queued_messages_state', `"state" IN ('queued', 'sent', 'released')`)
export class MqttQueuedMessageRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'mqtt_queued_messages_pkey', collation: 'C' }) session!: string;
  @PrimaryColumn('bigint', {
    primaryKeyConstraintName: 'mqtt_queued_messages_pkey',
    transformer: exactNumber,
  })
  position!: number;
  @Column('text') topic!: string;
  @Column('bytea') payload!: Buffer;
  @Column('smallint') qos!: number;
  @Column('boolean') retain!: boolean;
  @Column('integer', { name: 'message_id' }) messageId!: number;
  @Column('text') state!: MessageState;
  @Column('timestamptz', { name: 'expires_at' }) expiresAt!: Date;
}

@Entity('mqtt_retained_messages')
export class MqttRetainedMessageRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'mqtt_retained_messages_pkey', collation: 'C' }) topic!: string;
  @Column('bytea') payload!: Buffer;
  @Column('smallint') qos!: number;
}

@Entity('mqtt_wills')
@Index('mqtt_wills_gateway_idx', ['gateway'])
export class MqttWillRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'mqtt_wills_pkey', collation: 'C' }) session!: string;
  @Column('integer') gateway!: number;
  @Column('text', { name: 'client_id' }) clientId!: string;
  @Column('jsonb', { nullable: true }) rights!: StoredWill['rights'] | null;
  @Column('text') topic!: string;
  @Column('bytea') payload!: Buffer;
  @Column('smallint') qos!: number;
  @Column('boolean') retain!: boolean;
}

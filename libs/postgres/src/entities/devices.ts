// Who may connect by MQTT. Only postgres-device-store.ts touches these tables.
import { Check, Column, Entity, PrimaryColumn } from 'typeorm';
import { exactNumber } from './columns.ts';

/** Of a password only what SCRAM needs (RFC 5802), in base64. */
export interface StoredCredential {
  readonly salt: string;
  readonly iterations: number;
  readonly storedKey: string;
  readonly serverKey: string;
}

@Entity('devices')
export class DeviceRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'devices_pkey', collation: 'C' }) id!: string;
  @Column('jsonb', { nullable: true }) credential!: StoredCredential | null;
  @Column('boolean', { name: 'is_blocked', default: false }) isBlocked!: boolean;
  @Column('text', { array: true, default: '{}' }) publish!: string[];
  @Column('text', { array: true, default: '{}' }) subscribe!: string[];
  @Column('bigint', { transformer: exactNumber }) version!: number;
  @Column('timestamptz', { name: 'last_seen', nullable: true }) lastSeen!: Date | null;
  @Column('bigint', { name: 'failed_logins', default: 0, transformer: exactNumber }) failedLogins!: number;
  @Column('timestamptz', { name: 'last_failure', nullable: true }) lastFailure!: Date | null;
  @Column('timestamptz', { name: 'certificate_ends', nullable: true }) certificateEnds!: Date | null;
}

@Entity('device_changes')
@Check('device_changes_one_row', '"id" = 1')
export class DeviceChangesRow {
  @PrimaryColumn('smallint', { primaryKeyConstraintName: 'device_changes_pkey' }) id!: number;
  @Column('bigint', { transformer: exactNumber }) version!: number;
}

// Who may use the HTTP port. Only postgres-http-access-store.ts touches these tables. Of sessions and tokens they have hashes.
import type { Role } from '@milepost/security';
import { Check, Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, Unique } from 'typeorm';

const ROLE_CHECK = `"role" IN ('viewer', 'operator', 'admin')`;

@Entity('http_users')
@Check('http_users_role', ROLE_CHECK)
export class HttpUserRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'http_users_pkey' }) name!: string;
  @Column('text') role!: Role;
  @Column('boolean', { name: 'must_change_password' }) mustChangePassword!: boolean;
}

@Entity('http_sessions')
@Index('http_sessions_username_idx', ['username'])
export class HttpSessionRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'http_sessions_pkey' }) hash!: string;
  @Column('text') username!: string;
  @ManyToOne(() => HttpUserRow, { onDelete: 'CASCADE', nullable: false })
  @JoinColumn({ name: 'username', foreignKeyConstraintName: 'http_sessions_username_fkey' })
  user?: HttpUserRow;
  /** Marks the password that the session began with: with another one it is over. */
  @Column('text') credential!: string;
  @Column('timestamptz', { name: 'started_at' }) startedAt!: Date;
  @Column('timestamptz', { name: 'used_at' }) usedAt!: Date;
}

@Entity('http_provider_sessions')
@Check('http_provider_sessions_role', ROLE_CHECK)
export class HttpProviderSessionRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'http_provider_sessions_pkey' }) hash!: string;
  @Column('text') name!: string;
  @Column('text') role!: Role;
  @Column('timestamptz', { name: 'started_at' }) startedAt!: Date;
}

@Entity('http_tokens')
@Unique('http_tokens_hash_key', ['hash'])
@Check('http_tokens_role', ROLE_CHECK)
export class HttpTokenRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'http_tokens_pkey' }) name!: string;
  @Column('text') hash!: string;
  @Column('text') role!: Role;
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
  @Column('timestamptz', { name: 'expires_at', nullable: true }) expiresAt!: Date | null;
}

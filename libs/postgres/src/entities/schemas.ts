// The schema registry's tables. Only postgres-registry-store.ts touches them.
import type { SchemaReference } from '@milepost/registry';
import { Check, Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, Unique } from 'typeorm';

@Entity('schema_registry')
@Check('schema_registry_one_row', '"id" = 1')
export class SchemaRegistryRow {
  @PrimaryColumn('smallint', { primaryKeyConstraintName: 'schema_registry_pkey' }) id!: number;
  @Column('int', { name: 'last_schema_id' }) lastSchemaId!: number;
}

@Entity('schemas')
@Unique('schemas_fingerprint_key', ['fingerprint'])
export class SchemaRow {
  @PrimaryColumn('int', { primaryKeyConstraintName: 'schemas_pkey' }) id!: number;
  @Column('text') type!: string;
  /** Without U+0000 (text.ts). */
  @Column('text') text!: string;
  @Column('json', { name: 'reference_list' }) referenceList!: SchemaReference[];
  @Column('text') fingerprint!: string;
}

/** Of `referenceList`, to find the users of a version. */
@Entity('schema_references')
@Index('schema_references_subject_idx', ['subject', 'version'])
export class SchemaReferenceRow {
  @PrimaryColumn('int', { name: 'schema_id', primaryKeyConstraintName: 'schema_references_pkey' }) schemaId!: number;
  @ManyToOne(() => SchemaRow, { onDelete: 'CASCADE', nullable: false })
  @JoinColumn({ name: 'schema_id', foreignKeyConstraintName: 'schema_references_schema_id_fkey' })
  schema!: SchemaRow;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'schema_references_pkey', collation: 'C' }) subject!: string;
  @PrimaryColumn('int', { primaryKeyConstraintName: 'schema_references_pkey' }) version!: number;
}

@Entity('schema_versions')
@Index('schema_versions_schema_id_idx', ['schemaId'])
export class SchemaVersionRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'schema_versions_pkey', collation: 'C' }) subject!: string;
  @PrimaryColumn('int', { primaryKeyConstraintName: 'schema_versions_pkey' }) version!: number;
  @Column('int', { name: 'schema_id' }) schemaId!: number;
  @ManyToOne(() => SchemaRow, { nullable: false })
  @JoinColumn({ name: 'schema_id', foreignKeyConstraintName: 'schema_versions_schema_id_fkey' })
  schema!: SchemaRow;
  @Column('boolean', { name: 'is_deleted', default: false }) isDeleted!: boolean;
}

/** Compatibility and mode of a subject; the empty name is that of all subjects. */
@Entity('schema_scopes')
export class SchemaScopeRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'schema_scopes_pkey', collation: 'C' }) name!: string;
  @Column('text', { nullable: true }) compatibility!: string | null;
  @Column('text', { nullable: true }) mode!: string | null;
}

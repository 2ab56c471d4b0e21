// The routes of operators. Only postgres-route-store.ts touches these tables.
import type { RouteDefinition } from '@milepost/routes';
import { Check, Column, Entity, PrimaryColumn } from 'typeorm';
import { exactNumber } from './columns.ts';

@Entity('routes')
export class RouteRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'routes_pkey', collation: 'C' }) name!: string;
  @Column('jsonb') definition!: Omit<RouteDefinition, 'name'>;
  /** That of its last change. */
  @Column('bigint', { transformer: exactNumber }) version!: number;
}

@Entity('route_changes')
@Check('route_changes_one_row', '"id" = 1')
export class RouteChangesRow {
  @PrimaryColumn('smallint', { primaryKeyConstraintName: 'route_changes_pkey' }) id!: number;
  @Column('bigint', { transformer: exactNumber }) version!: number;
}

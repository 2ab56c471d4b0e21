// The tables that are copied: all tables of the migrations, each after those that it refers to.
import { getMetadataArgsStorage } from 'typeorm';
import { entities } from '../entities/index.ts';
import { migrations } from '../migrations/index.ts';

/** Those of this version, in their order. */
export const migrationNames: readonly string[] = migrations.map(({ name }) => name);

/**
 * Leases belong to running processes, and a copy of a database has none: its appliance need not wait for them to
 * expire.
 */
export const leftOut: readonly string[] = ['migrations', 'broker_leases'];

/** From the entities: a table without one would be in no backup (copy.test.ts compares them with the database). */
export function tableNames(): string[] {
  const own = new Set<unknown>(entities);
  const { tables } = getMetadataArgsStorage();
  const names = tables.flatMap(({ target, name }) =>
    own.has(target) && name !== undefined && !leftOut.includes(name) ? [name] : [],
  );
  return names.sort();
}

/** Parents first, so that no row is inserted before the rows that it refers to. */
export function parentsFirst(
  names: readonly string[],
  references: readonly { readonly child: string; readonly parent: string }[],
): string[] {
  const ordered: string[] = [];
  const visit = (name: string): void => {
    if (ordered.includes(name)) return;
    for (const { child, parent } of references) if (child === name && parent !== name) visit(parent);
    ordered.push(name);
  };
  for (const name of names) visit(name);
  return ordered;
}

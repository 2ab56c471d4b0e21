// Every case, in the order in which they run: the quick ones first.
import type { FaultCase } from '../fault-case.ts';
import { killNode } from './kill-node.ts';
import { killEmbeddedPostgres, killExternalPostgres } from './kill-postgres.ts';

export const cases: readonly FaultCase[] = [killNode, killEmbeddedPostgres, killExternalPostgres];

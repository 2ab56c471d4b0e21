// The assignors by the names that clients and settings use.
import type { Assignor, AssignorName } from './assignor.ts';
import { range } from './range.ts';
import { uniform } from './uniform.ts';

export const ASSIGNORS: Readonly<Record<AssignorName, Assignor>> = { uniform, range };

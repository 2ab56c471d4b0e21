// Paths beside these files, as foreign programs need them.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = (...path: string[]): string => fileURLToPath(new URL(join(...path), import.meta.url));

// Paths beside these files, for foreign programs.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = (...path: string[]): string => fileURLToPath(new URL(join(...path), import.meta.url));

// The input files of some tools.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cache } from '../suite.ts';

let made = 0;

export function textFile(text: string): string {
  mkdirSync(cache('java'), { recursive: true });
  const path = cache('java', `${made++}.txt`);
  writeFileSync(path, text);
  return path;
}

export const jsonFile = (content: unknown): string => textFile(JSON.stringify(content));

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, silentLogger } from '@milepost/core';
import { openFileLimit, openFilesWithin } from './open-file-limit.ts';

function within(asked: number, limit: number | undefined): { openFiles: number; warnings: string[] } {
  const warnings: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (_, message) => void warnings.push(message) };
  return { openFiles: openFilesWithin(asked, limit, logger), warnings };
}

test.each([
  [4_000, 20_000],
  [4_000, 5_000],
  [4_000, undefined],
])('%s open files fit into a limit of %s, and nothing is logged', (asked, limit) => {
  expect(within(asked, limit)).toEqual({ openFiles: asked, warnings: [] });
});

test.each([
  [4_000, 4_999, 3_999],
  [4_000, 1_024, 512],
  [4_000, 1, 1],
])('of %s open files a limit of %s leaves %s, in one line that names both', (asked, limit, openFiles) => {
  const outcome = within(asked, limit);
  expect(outcome.openFiles).toBe(openFiles);
  expect(outcome.warnings).toHaveLength(1);
  expect(outcome.warnings[0]).toContain(
    `MILEPOST_OPEN_FILES is ${asked}, but the system lets this process open ${limit} `,
  );
});

describe('the limit of the process', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'milepost-limits-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const limitIn = (text: string): number | undefined => {
    writeFileSync(join(folder, 'limits'), text);
    return openFileLimit(join(folder, 'limits'));
  };

  test('is the soft one', () => {
    expect(limitIn('Max processes 7 8 processes\nMax open files            1024      524288    files\n')).toBe(1_024);
  });

  test('may be missing', () => {
    expect(limitIn('Max open files            unlimited      unlimited    files\n')).toBeUndefined();
    expect(openFileLimit(join(folder, 'absent'))).toBeUndefined();
  });

  const onLinux = process.platform === 'linux' ? test : test.skip;
  onLinux('is what the shell says', () => {
    const limit = openFileLimit();
    expect(String(limit ?? 'unlimited')).toBe(execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim());
  });
});

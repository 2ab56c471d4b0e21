// The first seed of a run when none is given: new each time. In CI (the variable is set) it follows from the commit:
// new for each change, and the same commit is always judged the same
// (docs/decisions/0015-each-commit-has-its-seeds.md).
import { spawnSync } from 'node:child_process';

export function firstSeed(): number {
  const commit = process.env['CI'] ? spawnSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).stdout : undefined;
  return commit ? Number.parseInt(commit.slice(0, 8), 16) >>> 1 : Math.floor(Math.random() * 2 ** 31);
}

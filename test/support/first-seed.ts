// The first seed of a run when none is given: new each time. In CI (the variable is set) it follows from the content of the
// commit: new for each change, and the same content is always judged the same, also rebased or under another message
// (docs/decisions/0015-each-commit-has-its-seeds.md).
import { spawnSync } from 'node:child_process';

export function firstSeed(): number {
  const git = ['rev-parse', 'HEAD^{tree}'];
  const tree = process.env['CI'] ? spawnSync('git', git, { encoding: 'utf8' }).stdout : undefined;
  return tree ? Number.parseInt(tree.slice(0, 8), 16) >>> 1 : Math.floor(Math.random() * 2 ** 31);
}

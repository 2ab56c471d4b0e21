// The order of the tests: those that may take a minute begin first, and the short ones fill the cores beside them. Jest's
// own order goes by the durations of an earlier run, which a fresh clone does not have.
import { statSync } from 'node:fs';
import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const wholePrograms = fileURLToPath(new URL('../test/', import.meta.url));
const isLong = ({ path }) => path.startsWith(wholePrograms) || path.endsWith(`${sep}walk.test.ts`);

/** What Jest asks of a sequencer. */
export default class TestOrder {
  sort(tests) {
    const largestFirst = tests
      .map((test) => ({ test, sizeBytes: statSync(test.path).size }))
      .toSorted((one, other) => other.sizeBytes - one.sizeBytes)
      .map(({ test }) => test);
    return [...largestFirst.filter(isLong), ...largestFirst.filter((test) => !isLong(test))];
  }

  cacheResults() {}
}

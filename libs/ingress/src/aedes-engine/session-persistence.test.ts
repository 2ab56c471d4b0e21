// aedes-persistence's abstract tests, which are written for node:test.
import assert from 'node:assert';
import { createRequire } from 'node:module';
import { silentLogger, silentMeter } from '@milepost/core';
import { ManualClock } from '../../../core/src/testing/manual-clock.ts';
import { MemorySessionStore } from '../sessions/memory-session-store.ts';
import { Sessions } from '../sessions/sessions.ts';
import { SessionPersistence } from './session-persistence.ts';

interface TestContext {
  readonly assert: typeof assert;
  plan(count: number): void;
  diagnostic(message: string): void;
}

/** Their methods return nothing, or the client that they were called with. */
type AbstractTests = (options: {
  test: (name: string, run: (context: TestContext) => Promise<void>) => void;
  persistence: () => SessionPersistence;
  testAsync: true;
}) => void;

const abstractTests = createRequire(import.meta.url)('aedes-persistence/abstract.js') as AbstractTests;

abstractTests({
  test: (name, run) =>
    test(name, async () => {
      let planned: number | undefined;
      let seen = 0;
      const counting = new Proxy(assert, {
        get: (target, method) => {
          seen++;
          return Reflect.get(target, method) as unknown;
        },
      });
      await run({ assert: counting, plan: (count) => (planned = count), diagnostic: () => {} });
      if (planned !== undefined) expect(seen).toBe(planned);
    }),
  persistence: () =>
    new SessionPersistence(
      new Sessions({
        clock: new ManualClock(),
        logger: silentLogger,
        meter: silentMeter,
        store: new MemorySessionStore(),
      }),
    ),
  testAsync: true,
});

import { silentLogger } from '@milepost/core';
import { PrometheusMeter } from '@milepost/telemetry';
import { reportUnhandledRejections } from './unhandled-rejections.ts';

test('a rejection that nobody awaits is logged and counted, and its reporter can be taken away', async () => {
  const lines: string[] = [];
  const meter = new PrometheusMeter();
  const before = process.listenerCount('unhandledRejection');
  const stop = reportUnhandledRejections({ ...silentLogger, error: (_, message) => lines.push(message) }, meter);
  expect(process.listenerCount('unhandledRejection')).toBe(before + 1);
  process.listeners('unhandledRejection').at(-1)?.(new Error('unheard'), Promise.resolve());
  expect(lines).toEqual(['a rejected promise that nobody awaits: Error: unheard']);
  expect(await meter.text()).toContain('milepost_unhandled_rejections_total 1');
  stop();
  expect(process.listenerCount('unhandledRejection')).toBe(before);
});

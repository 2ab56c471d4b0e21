import { silentLogger } from '@milepost/core';
import { PrometheusMeter } from '@milepost/telemetry';
import { reportUnhandledRejections } from './unhandled-rejections.ts';

test('an unhandled rejection is logged and counted, and its reporter can be removed', async () => {
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

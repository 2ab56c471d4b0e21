import { silentLogger, silentMeter } from '@milepost/core';
import { ManualClock } from '../../core/src/testing/manual-clock.ts';
import { type Alert, type Channel, Deliverer } from './index.ts';
import { MemoryAlertStore } from './memory-alert-store.ts';

const alert = { alertId: 'speeding-0-1', rule: 'speeding', truckId: 't-1' } as Alert;
const step = { partition: 0, expectedOffset: 0, nextOffset: 1, states: [], alerts: [alert] };

test('an alert reaches each channel, and a failed delivery is retried after growing pauses', async () => {
  const clock = new ManualClock();
  const store = new MemoryAlertStore();
  await store.commit([{ ...step, channels: ['good', 'bad'] }]);
  const arrived: string[] = [];
  let refusals = 2;
  const channels: Channel[] = [
    { name: 'good', deliver: async ({ alertId }) => void arrived.push(`good ${alertId}`) },
    {
      name: 'bad',
      deliver: async ({ alertId }) => {
        if (refusals-- > 0) throw new Error('HTTP 503');
        arrived.push(`bad ${alertId}`);
      },
    },
  ];
  const deliverer = new Deliverer({ store, channels, clock, meter: silentMeter, logger: silentLogger });
  deliverer.kick();
  await clock.advance(0);
  expect(arrived).toEqual(['good speeding-0-1']);
  await clock.advance(1_000);
  expect(refusals).toBe(0);
  await clock.advance(1_000);
  expect(arrived).toHaveLength(1);
  await clock.advance(1_000);
  expect(arrived).toEqual(['good speeding-0-1', 'bad speeding-0-1']);
  await clock.advance(10_000);
  expect(arrived).toHaveLength(2);
  await deliverer.close();
});

test('a channel that never responds delays no other', async () => {
  const clock = new ManualClock();
  const store = new MemoryAlertStore();
  const arrived: string[] = [];
  const hanging = Promise.withResolvers<void>();
  const channels: Channel[] = [
    { name: 'hangs', deliver: () => hanging.promise },
    { name: 'good', deliver: async ({ alertId }) => void arrived.push(alertId) },
  ];
  const deliverer = new Deliverer({ store, channels, clock, meter: silentMeter, logger: silentLogger });
  await store.commit([{ ...step, channels: ['hangs', 'good'] }]);
  deliverer.kick();
  await clock.advance(0);
  expect(arrived).toEqual(['speeding-0-1']);
  const later = { ...alert, alertId: 'speeding-0-2' };
  await store.commit([{ ...step, expectedOffset: 1, nextOffset: 2, alerts: [later], channels: ['hangs', 'good'] }]);
  deliverer.kick();
  await clock.advance(1_000);
  expect(arrived).toEqual(['speeding-0-1', 'speeding-0-2']);
  hanging.resolve();
  await deliverer.close();
});

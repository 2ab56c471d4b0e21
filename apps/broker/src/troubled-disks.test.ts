import { PrometheusMeter } from '@milepost/telemetry';
import { HttpException } from '@nestjs/common';
import { Lifecycle } from '../../chassis/src/lifecycle.ts';
import { ObservationController } from '../../chassis/src/observation.controller.ts';
import { failedDisks, fullDisk } from './troubled-disks.ts';

test('a failed disk is named in /health/ready, partition by partition, and the program stays live', async () => {
  const failed: string[] = [];
  const lifecycle = new Lifecycle();
  const nothing = (): Promise<void> => Promise.resolve();
  lifecycle.register({
    name: 'broker',
    phase: 'broker',
    start: nothing,
    stop: nothing,
    notReady: () => failedDisks(failed),
  });
  await lifecycle.start();
  const health = new ObservationController(new PrometheusMeter(), lifecycle);
  expect(health.ready()).toEqual({ status: 'ready' });

  failed.push('telemetry-0', 'telemetry-3');
  let answer: unknown;
  try {
    health.ready();
  } catch (refused) {
    answer = (refused as HttpException).getResponse();
  }
  expect(answer).toEqual({
    status: 'not ready',
    reasons: [
      'broker: the disk failed under telemetry-0, telemetry-3: no more records are taken there; ' +
        'check the disk, then restart the broker',
    ],
  });
  expect(health.live()).toEqual({ status: 'live' });
});

test('with very many partitions the first are named and the others counted', () => {
  const reason = failedDisks(Array.from({ length: 1_000 }, (_, n) => `t-${n}`));
  expect(reason).toContain('t-8, t-9 and 990 more:');
});

test('a full disk is named with its cure, which is not a restart', () => {
  expect(fullDisk([])).toBeUndefined();
  expect(fullDisk(['telemetry-0'])).toBe(
    'the disk is full: no room for records of telemetry-0; make room, no restart is needed',
  );
});

import { silentLogger } from '@milepost/core';
import { SimClock } from '@milepost/simulator';
import { PERIOD_MS, RepetitionLogger } from './repetitions.ts';

function logged() {
  const clock = new SimClock();
  const lines: string[] = [];
  const note =
    (level: string) =>
    (fields: object, message: string): void =>
      void lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  const logger = new RepetitionLogger(
    {
      ...silentLogger,
      level: 'info',
      debug: note('debug'),
      info: note('info'),
      warn: note('warn'),
      error: note('error'),
    },
    clock,
  );
  return { clock, lines, logger };
}

test('the first of repeated lines is written immediately and the others are counted, period by period', async () => {
  const { clock, lines, logger } = logged();
  for (let offset = 0; offset < 1_689; offset++) logger.error({ offset }, 'disk full');
  expect(lines).toEqual(['error disk full {"offset":0}']);
  await clock.run(PERIOD_MS);
  logger.error({ offset: 2_000 }, 'disk full');
  await clock.run(PERIOD_MS);
  await clock.run(PERIOD_MS);
  logger.error({ offset: 3_000 }, 'disk full');
  expect(lines.slice(1)).toEqual([
    'error disk full (repeated 1688 times) {"offset":1688,"repetitions":1688}',
    'error disk full (repeated once) {"offset":2000,"repetitions":1}',
    'error disk full {"offset":3000}',
  ]);
});

test('other lines, and the same one at another level, do not count as repetitions', () => {
  const { lines, logger } = logged();
  logger.warn({}, 'one');
  logger.warn({}, 'two');
  logger.info({}, 'one');
  for (const device of ['t-1', 't-2']) logger.info({ device }, 'offline');
  for (let n = 0; n < 3; n++) logger.debug({ n }, 'every one');
  expect(lines).toHaveLength(8);
});

test('counted repetitions are logged when the program ends', () => {
  const { lines, logger } = logged();
  for (let n = 0; n < 3; n++) logger.info({ n }, 'again');
  logger.flush();
  expect(lines.at(-1)).toBe('info again (repeated 2 times) {"n":2,"repetitions":2}');
});

test('a limited number of different lines is tracked, and all are written', () => {
  const { lines, logger } = logged();
  for (let n = 0; n < 5_000; n++) logger.info({}, `line ${n}`);
  expect(lines).toHaveLength(5_000);
});

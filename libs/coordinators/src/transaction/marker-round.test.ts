import { type Logger, silentLogger } from '@milepost/core';
import { ManualClock, settled } from '../../../core/src/testing/manual-clock.ts';
import { MarkerRound } from './marker-round.ts';
import type { MarkerOutcome, TransactionMarker } from './model/markers.ts';

const PARTITIONS = [0, 1].map((partition) => ({ topic: 't', partition }));
const MARKER: TransactionMarker = {
  producerId: 1n,
  producerEpoch: 0,
  isCommit: true,
  coordinatorEpoch: 0,
  transactionVersion: 1,
};

/** A round over two partitions, of which the first responds with these outcomes, one after the other. */
async function round(outcomes: (() => Promise<MarkerOutcome>)[]) {
  const clock = new ManualClock();
  const errors: string[] = [];
  const logger: Logger = { ...silentLogger, error: (_: object, message: string) => void errors.push(message) };
  let isDone = false;
  const writer = {
    write: ({ partition }: { partition: number }): Promise<MarkerOutcome> =>
      (partition === 0 ? outcomes.shift() : undefined)?.() ?? Promise.resolve('written'),
  };
  const deps = { clock, logger, writer, transactionalId: 'x' };
  const markers = new MarkerRound(deps, PARTITIONS, MARKER, () => void (isDone = true));
  markers.start();
  await settled();
  return { clock, errors, markers, isDone: () => isDone };
}

test('a partition that refuses its marker gets it later, and delays no other one', async () => {
  const { clock, errors, markers, isDone } = await round([() => Promise.resolve({ later: 'it has no leader now' })]);
  expect(markers.pending).toEqual([PARTITIONS[0]]);
  expect(isDone()).toBe(false);
  await clock.advance(1_000);
  expect(isDone()).toBe(true);
  expect(errors).toEqual([]);
});

test('a writer that rejects ends neither the process nor the transaction: it is logged, and the marker is written again', async () => {
  const { clock, errors, isDone } = await round([() => Promise.reject(new Error('a fault'))]);
  expect(errors).toEqual(['the end of a transaction was not written: Error: a fault']);
  await clock.advance(1_000);
  expect(isDone()).toBe(true);
});

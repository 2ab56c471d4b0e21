import { LeaderEpoch, Offset } from '@milepost/core';
import { EpochHistory } from './epoch-history.ts';

const END = Offset(100);

function history(...starts: [number, number][]): EpochHistory {
  const made = new EpochHistory();
  for (const [epoch, offset] of starts) made.begin(LeaderEpoch(epoch), Offset(offset));
  return made;
}

test('each offset has the epoch of the leader that wrote it', () => {
  const epochs = history([0, 0], [2, 10], [5, 40]);
  expect([0, 9, 10, 39, 40, 99].map((offset) => epochs.at(Offset(offset)))).toEqual([0, 0, 2, 2, 5, 5]);
  expect(epochs.latest).toBe(5);
  expect(history().at(Offset(0))).toBe(-1);
});

test('an epoch ends where the next one starts', () => {
  const epochs = history([1, 5], [2, 10], [5, 40]);
  const endOf = (epoch: number) => epochs.endOf(LeaderEpoch(epoch), END);
  expect(endOf(5)).toEqual({ epoch: 5, endOffset: 100 });
  expect(endOf(2)).toEqual({ epoch: 2, endOffset: 40 });
  expect(endOf(3)).toEqual({ epoch: 2, endOffset: 40 });
  expect(endOf(1)).toEqual({ epoch: 1, endOffset: 10 });
  expect(endOf(0)).toEqual({ epoch: 0, endOffset: 5 });
  expect(endOf(6)).toBeUndefined();
  expect(endOf(-1)).toBeUndefined();
});

test('an epoch that wrote nothing is removed when the next one begins', () => {
  expect(history([0, 0], [1, 10], [2, 10]).toText()).toBe('0\n2\n0 0\n2 10\n');
});

test('cutting the end removes the epochs that began there, cutting the start moves the epoch that covers it', () => {
  const epochs = history([0, 0], [2, 10], [5, 40]);
  epochs.truncateFromEnd(Offset(40));
  expect(epochs.toText()).toBe('0\n2\n0 0\n2 10\n');
  epochs.truncateFromStart(Offset(15));
  expect(epochs.toText()).toBe('0\n1\n2 15\n');
  expect(epochs.at(Offset(20))).toBe(2);
});

test('the text is read back; anything else is an empty history', () => {
  const text = history([0, 0], [7, 3]).toText();
  expect(EpochHistory.parse(text).toText()).toBe(text);
  expect(EpochHistory.parse(text).isDirty).toBe(false);
  for (const broken of [undefined, '', '1\n0\n', '0\n2\n0 0\n', '0\n1\n0\n', 'garbage'])
    expect(EpochHistory.parse(broken).latest).toBe(-1);
});
